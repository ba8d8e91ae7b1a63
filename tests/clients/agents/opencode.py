"""opencode: where it is, its entry, and how it is asked."""

import json

NAME = "opencode"
PACKAGE = "opencode-ai"
CONFIG = "opencode"
# Whether progress starts the clock of a call anew.
PROGRESS_RESETS = True


def executable(clients):
    return clients.node_binary("opencode", "opencode")


def own_entry(server):
    return json.dumps({"mcp": {"llm-gateway": {"type": "local", "command": server, "enabled": True}}})


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
