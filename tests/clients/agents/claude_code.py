"""Claude Code: where it is, its entry, and how it is asked."""

import json

from .entry import tapped
from .person import Lines

NAME = "Claude Code"
CONFIG = "claude-code"
# Whether progress starts the clock of a call anew.
PROGRESS_RESETS = False
# Whether the server hears of it when a person ends a call.
TELLS_OF_AN_INTERRUPT = True


def executable(clients):
    return clients.node_binary("claude", "claude")


def command(clients, place, model, entry, timeout_s):
    """Writes the settings. Returns the command, and the variables that it needs."""
    server = tapped(json.loads(entry)["mcpServers"]["llm-gateway"], place, timeout_s)
    file = place.root / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"llm-gateway": server}}))
    words = [executable(clients), "-p", "go", "--model", "claude-sonnet-4-5", "--output-format", "json",
             "--mcp-config", str(file), "--strict-mcp-config", "--allowedTools", "mcp__llm-gateway"]
    return words, {
        "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "sk-ant-scripted-0123456789",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
    }


def name_of(tool):
    return f"mcp__llm-gateway__{tool}"


def person(words):
    """Turns the command of one question into one that a person's side can talk to."""
    spoken = [word for word in words if word != "go"]
    spoken[spoken.index("--output-format") + 1] = "stream-json"
    return [*spoken, "--input-format", "stream-json", "--verbose"], Person


class Person(Lines):
    """Speaks stream-json."""

    def ask(self, text):
        self.say({"type": "user", "message": {"role": "user", "content": text}})

    def interrupt(self):
        self.say({"type": "control_request", "request_id": "1", "request": {"subtype": "interrupt"}})
