"""A temporary place for one run of a client: a policy, a home, a project, and the record of what passed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# A made-up key, which a client must hand on for the gateway to ask anybody.
KEY = "SCRIPTED_KEY"
KEYS = {KEY: "sk-scripted-0123456789"}

# A proxy that nobody listens at: what a client asks of the network, beside what is scripted, fails at once.
CLOSED = {name: "http://127.0.0.1:9" for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")}
OPEN = {name: "127.0.0.1,localhost" for name in ("NO_PROXY", "no_proxy")}


def policy(upstream, **more):
    """A policy of which every model is the scripted upstream's."""
    row = {"in": 1, "out": 2, "context": 1000000, "max_output": 100000}
    provider = lambda developer, names: {
        "kind": "openai", "base_url": upstream, "api_key_env": KEY,
        "models": {name: {**row, "developer": developer, "lineage": [f"{developer}-base"]} for name in names}}
    target = lambda provider, model: {"provider": provider, "model": model}
    return {
        "version": "1.0.0",
        "defaults": {
            "quick_answer": {**target("north", "quick"), "rationale": "Short answers."},
            "second_opinion": {"members": [target("north", "quick"), target("south", "other")],
                               "rationale": "Two models that do not see each other."},
            **more,
        },
        "providers": {"north": provider("north-labs", ["quick", "planner"]),
                      "south": provider("south-labs", ["other", "judge"])},
        "orchestration": {
            "roles": {"planner": target("north", "planner"), "worker": target("north", "quick"),
                      "verifier": target("south", "judge")},
            "verdict": "plain",
        },
        "reliability": {"retry": {"max_retries": 0}},
    }


class Place:
    def __init__(self, root, name, upstream, binaries):
        self.root = root / name.replace(" ", "-").replace("/", "-")
        self.home = self.root / "home"
        self.project = self.root / "project"
        self.file = self.root / "policy" / "routing.yaml"
        self.record = self.root / "record.jsonl"
        self.binaries = binaries
        self.upstream = upstream
        for folder in (self.home, self.project, self.file.parent):
            folder.mkdir(parents=True)
        self.write_policy(policy(upstream.url))

    def write_policy(self, text):
        """Saves the policy as editors do: beside it, and then renamed."""
        new = self.file.with_suffix(".new")
        # JSON is YAML.
        new.write_text(text if isinstance(text, str) else json.dumps(text))
        new.rename(self.file)

    def server(self):
        """The command of the server, behind the tap."""
        stdio = str(self.binaries / "llm-gateway-stdio")
        return [sys.executable, str(HERE / "tap.py"), str(self.record), stdio, "--routing", str(self.file)]

    def entry(self, client):
        """The entry that `llm-gateway client-config` prints, or None with what it said instead."""
        command = [str(self.binaries / "llm-gateway"), "--routing", str(self.file), "client-config", client]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=30)
        return (done.stdout, "") if done.returncode == 0 else (None, done.stderr.strip().splitlines()[0])

    def environment(self, **more):
        """What a client gets: nothing of the user's own but PATH and the language."""
        kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
        path = os.pathsep.join([*more.pop("first", []), os.environ.get("PATH", "")])
        return {**kept, **CLOSED, **OPEN, **KEYS, "PATH": path, "HOME": str(self.home), **more}

    def passed(self, kind):
        """What the tap recorded of one kind, as (time, what)."""
        if not self.record.exists():
            return []
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [(line["at"], line[kind]) for line in lines if kind in line]

    def messages(self, kind):
        """The JSON-RPC messages that one side sent, each with its time as `at`."""
        parsed = []
        for at, line in self.passed(kind):
            value = json.loads(line)
            parsed += [{**message, "at": at} for message in (value if isinstance(value, list) else [value])]
        return parsed

    def ended(self, within=5):
        """Waits for the end of every server that was started. Returns what is wrong.

        A client may have killed the tap before it saw the server's exit code, so the process itself is looked for.
        """
        servers = [started["pid"] for _, started in self.passed("started")]
        end = time.monotonic() + within
        while any(map(is_alive, servers)) and time.monotonic() < end:
            time.sleep(0.1)
        left = sum(map(is_alive, servers))
        if left:
            return [f"{left} of {len(servers)} servers are left behind"]
        return [f"a server exited with {code}" for _, code in self.passed("ended") if code]


def is_alive(process):
    try:
        # A process that nobody waited for yet has ended all the same.
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
