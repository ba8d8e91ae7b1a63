"""Gemini CLI: where it is, its entry, and how it is asked."""

import json

from .entry import tapped
from .person import Lines

NAME = "Gemini CLI"
CONFIG = "gemini"
# Whether progress starts the clock of a call anew.
PROGRESS_RESETS = False
# Whether the server hears of it when a person ends a call.
TELLS_OF_AN_INTERRUPT = False


def executable(clients):
    return clients.node_binary("gemini", "gemini")


def command(clients, place, model, entry, timeout_s):
    server = tapped(json.loads(entry)["mcpServers"]["llm-gateway"], place, timeout_s)
    folder = place.home / ".gemini"
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps({
        "mcpServers": {"llm-gateway": server},
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True, "enableAutoUpdate": False},
    }))
    words = [executable(clients), "--model", "gemini-2.5-pro", "--approval-mode", "yolo", "--prompt", "go"]
    return words, {"GEMINI_API_KEY": "scripted", "GOOGLE_GEMINI_BASE_URL": model.url, "GEMINI_CLI_NO_RELAUNCH": "true"}


def name_of(tool):
    return f"mcp_llm-gateway_{tool}"


def person(words):
    return [*words[:words.index("--prompt")], "--acp"], Person


class Person(Lines):
    """Speaks the Agent Client Protocol, as editors do."""

    def begin(self, folder):
        files = {"readTextFile": False, "writeTextFile": False}
        self.answer("initialize", {"protocolVersion": 1, "clientCapabilities": {"fs": files}})
        self._session = self.answer("session/new", {"cwd": folder, "mcpServers": []})["sessionId"]

    def ask(self, text):
        self.request("session/prompt", {"sessionId": self._session, "prompt": [{"type": "text", "text": text}]})

    def interrupt(self):
        self.say({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": self._session}})
