"""Inspector's command line: one call for each start."""

import json

import running
from envelope import answered, failed, shown
from place import Place
from upstream import Upstream

NAME = "Inspector"


class Inspector:
    def __init__(self, clients, root, name, binaries):
        self.clients = clients
        self.upstream = Upstream()
        self.place = Place(root, f"inspector-{name}", self.upstream, binaries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.upstream.close()

    def ask(self, method, tool=None, **arguments):
        """Returns what Inspector printed, and what went wrong besides."""
        file = self.place.root / "servers.json"
        server = self.place.server()
        entry = {"type": "stdio", "command": server[0], "args": server[1:], "env": self.place.environment()}
        file.write_text(json.dumps({"mcpServers": {"gateway": entry}}))
        words = [self.clients.node_binary("inspector", "mcp-inspector"), "--cli", "--config", str(file), "--server",
                 "gateway", "--method", method]
        words += ["--tool-name", tool] if tool else []
        for name, value in arguments.items():
            words += ["--tool-arg", f"{name}={value}"]
        environment = self.place.environment(first=self.clients.path())
        code, out, err = running.finish(words, 60, env=environment)
        try:
            return json.loads(out), self.place.ended()
        except ValueError:
            return {}, [f"exit code {code}: {shown(out + err)}"]


def text(result):
    return "\n".join(block.get("text", "") for block in result.get("content", []))


def lists(inspector):
    result, problems = inspector.ask("tools/list")
    names = [tool["name"] for tool in result.get("tools", [])]
    expected = ["llm_route", "llm_orchestrate", "llm_routing_info", "llm_result"]
    return problems + ([] if names == expected else [f"the tools are {names}"])


def calls(inspector):
    result, problems = inspector.ask("tools/call", "llm_route", task_class="quick_answer", prompt="hello {say hi}")
    return problems + answered(text(result), "hi")


def tells_an_error(inspector):
    result, problems = inspector.ask("tools/call", "llm_route", task_class="quick_answer", prompt="{fail 401}")
    return problems + failed(text(result), "auth") + ([] if result.get("isError") else ["it is not marked as an error"])


def sends_a_number(inspector):
    """Inspector sends what looks like a number as one."""
    result, problems = inspector.ask("tools/call", "llm_route", task_class="quick_answer", prompt="2026")
    return problems + answered(text(result), "ok from quick")


QUICK = {
    "lists four tools": lists,
    "a call": calls,
    "an error": tells_an_error,
    "a number where text belongs": sends_a_number,
}
