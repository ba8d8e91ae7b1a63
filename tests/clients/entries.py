"""What `llm-gateway client-config` prints, loaded by a parser of the format of each client."""

import json
import tomllib

from place import KEY

# The client, how its file is read, and the path to the entry in it.
FORMATS = {
    "claude-code": (json.loads, ("mcpServers", "llm-gateway")),
    "codex": (tomllib.loads, ("mcp_servers", "llm-gateway")),
    "cursor": (json.loads, ("mcpServers", "llm-gateway")),
    "vscode": (json.loads, ("servers", "llm-gateway")),
    "gemini": (json.loads, ("mcpServers", "llm-gateway")),
    "opencode": (json.loads, ("mcp", "llm-gateway")),
}


def check(place, client):
    """What is wrong with the entry for one client."""
    text, why = place.entry(client)
    if text is None:
        return [f"no entry: {why}"]
    read, path = FORMATS[client]
    try:
        entry = read(text)
        for name in path:
            entry = entry[name]
    except (ValueError, KeyError) as error:
        return [f"not in the client's format: {error!r}"]
    command = entry["command"] if isinstance(entry["command"], list) else [entry["command"], *entry.get("args", [])]
    problems = []
    if not command[0].endswith("/llm-gateway-stdio"):
        problems.append(f"the command is {command[0]}")
    if command[1:3] != ["--routing", str(place.file)]:
        problems.append(f"the arguments are {command[1:]}, without the policy")
    if any(not isinstance(word, str) for word in command):
        problems.append("the command is not all text")
    names = entry.get("env_vars") or list(entry.get("environment", entry.get("env", {})))
    if KEY not in names:
        problems.append(f"{KEY} is not handed on: {names}")
    return problems + (inputs(json.loads(text)) if client == "vscode" else [])


def inputs(file):
    """What is wrong with the keys that VS Code asks for."""
    asked = [one["id"] for one in file.get("inputs", [])]
    return [] if asked == [KEY] else [f"it asks for {asked}"]
