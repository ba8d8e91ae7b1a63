"""Codex CLI: where it is, its entry, and how it is asked."""

import json
import tomllib

from .person import Lines

NAME = "Codex"
CONFIG = "codex"
# Whether progress starts the clock of a call anew.
PROGRESS_RESETS = False
# Whether the server hears of it when a person ends a call.
TELLS_OF_AN_INTERRUPT = True

PROVIDER = """
model = "{model}"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "read-only"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "AGENT_KEY"

[analytics]
enabled = false

[projects."{project}"]
trust_level = "trusted"
"""


def executable(clients):
    return clients.node_binary("codex", "codex")


def written(entry):
    # What JSON and TOML have in common: texts, numbers, lists of texts.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    return "[mcp_servers.llm-gateway]\n" + "\n".join(lines) + "\n"


def command(clients, place, model, entry, timeout_s, slug="scripted"):
    server = tomllib.loads(entry)["mcp_servers"]["llm-gateway"]
    tapped = place.server()
    server.update(command=tapped[0], args=tapped[1:])
    if timeout_s:
        server["tool_timeout_sec"] = timeout_s
    folder = place.home / ".codex"
    folder.mkdir(exist_ok=True)
    provider = PROVIDER.format(model=slug, url=model.url, project=place.project)
    (folder / "config.toml").write_text(provider + "\n" + written(server))
    words = [executable(clients), "exec", "--skip-git-repo-check", "--json", "go"]
    return words, {"CODEX_HOME": str(folder), "AGENT_KEY": "sk-scripted"}


def name_of(tool):
    return ("mcp__llm_gateway", tool)


def person(words):
    return [words[0], "app-server"], Person


class Person(Lines):
    """Speaks as the editors' extensions do to `codex app-server`."""

    def begin(self, folder):
        self.answer("initialize", {"clientInfo": {"name": "person", "title": "person", "version": "1"}})
        self.say({"method": "initialized"})
        thread = self.answer("thread/start", {"cwd": folder, "approvalPolicy": "never", "sandbox": "read-only"})
        self._thread = thread["thread"]["id"]

    def ask(self, text):
        turn = self.answer("turn/start", {"threadId": self._thread, "input": [{"type": "text", "text": text}]})
        self._turn = turn["turn"]["id"]

    def interrupt(self):
        self.answer("turn/interrupt", {"threadId": self._thread, "turnId": self._turn})
