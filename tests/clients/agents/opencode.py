"""opencode: where it is, its entry, and how it is asked."""

import json

from .person import Listener

NAME = "opencode"
CONFIG = "opencode"
# Whether progress starts the clock of a call anew.
PROGRESS_RESETS = True
# Whether the server hears of it when a person ends a call.
TELLS_OF_AN_INTERRUPT = True


def executable(clients):
    return clients.node_binary("opencode", "opencode")


def command(clients, place, model, entry, timeout_s):
    server = {**json.loads(entry)["mcp"]["llm-gateway"], "command": place.server()}
    if timeout_s:
        server["timeout"] = timeout_s * 1000
    provider = {
        "npm": "@ai-sdk/openai-compatible", "name": "scripted",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "sk-scripted"},
        "models": {"scripted": {"name": "scripted", "limit": {"context": 200000, "output": 32000}}},
    }
    (place.project / "opencode.json").write_text(json.dumps({
        "mcp": {"llm-gateway": server}, "provider": {"scripted": provider}, "model": "scripted/scripted",
        "small_model": "scripted/scripted", "autoupdate": False, "share": "disabled",
    }))
    words = [executable(clients), "run", "--model", "scripted/scripted", "go"]
    return words, {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1",
                   "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}


def name_of(tool):
    return f"llm-gateway_{tool}"


def person(words):
    return [words[0], "serve", "--hostname", "127.0.0.1", "--port", "0"], Person


class Person(Listener):
    """Speaks HTTP, as opencode's own screen does."""

    def begin(self, folder):
        self._session = self.post("/session", {})["id"]

    def ask(self, text):
        model = {"providerID": "scripted", "modelID": "scripted"}
        self.post(f"/session/{self._session}/prompt_async", {"parts": [{"type": "text", "text": text}], "model": model})

    def interrupt(self):
        self.post(f"/session/{self._session}/abort", {})
