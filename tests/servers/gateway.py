"""Runs the command line with a policy made for one call, and reads the envelope."""

import json
import os
import subprocess
from dataclasses import dataclass, field

CALL_S = 120

# US dollars per million tokens; a cached token costs as much as another.
ROW = {"in": 1.0, "out": 2.0}

# A key of the usual form that opens nothing.
WRONG_KEY = "sk-wrong-0123456789"


@dataclass(frozen=True)
class Door:
    """A way into a server: a dialect, an address, and what opens it."""

    kind: str
    base_url: str
    key: str
    headers: dict = field(default_factory=dict)

    def provider(self, variable, model, stream, row):
        provider = {
            "kind": self.kind,
            "base_url": self.base_url,
            "api_key_env": variable,
            "stream": stream,
            "models": {model: row},
        }
        return {**provider, "headers": self.headers} if self.headers else provider

    def with_key(self, key):
        return Door(self.kind, self.base_url, key, self.headers)


def doors_of(url, key):
    """The doors of a server that speaks all three dialects."""
    bases = {"openai": f"{url}/v1", "anthropic": url, "gemini": url}
    return [Door(kind, base, key) for kind, base in bases.items()]


class Gateway:
    def __init__(self, binary, work):
        self.binary = str(binary)
        self.work = work
        self.count = 0

    def can(self, key):
        """Whether a policy of this build may have a key."""
        code, out, _ = self._finish(self._start(None, {}, ["schema"], ""))
        return code == 0 and f'"{key}"' in out

    def ask(self, door, model, prompt="Say hello.", **options):
        """Asks one model and returns the envelope."""
        return self.finish(self.start(door, model, prompt, **options))

    def start(self, door, model, prompt, *, stream=True, max_tokens=16, deadline_s=90, retries=0):
        """Begins to ask one model, and returns the process."""
        target = {"provider": "server", "model": model}
        policy = {
            "defaults": {"ask": {**target, "max_tokens": max_tokens, "deadline_s": deadline_s}},
            "reliability": {"retry": {"max_retries": retries}},
            "providers": {"server": door.provider("SERVER_KEY", model, stream, ROW)},
        }
        return self._start(policy, {"SERVER_KEY": door.key}, ["route", "--json", "ask", "-"], prompt)

    def fall_back(self, first, second, prompt):
        """Asks the first of two doors and models, and the second one if that fails."""
        providers, targets, keys = self._members([(*first, {}), (*second, {})])
        policy = {
            "defaults": {"ask": {**targets[0], "max_tokens": 16}},
            "fallback": {"ask": targets[1:]},
            "providers": providers,
        }
        return self.finish(self._start(policy, keys, ["route", "--json", "ask", "-"], prompt))

    def panel(self, members, prompt, receipt, bundle):
        """Asks a panel of doors, models and rows."""
        providers, targets, keys = self._members(members)
        policy = {"defaults": {"ask": {"members": targets, "max_tokens": 16}}, "providers": providers}
        files = ["--receipt", str(receipt), "--bundle", str(bundle)]
        return self.finish(self._start(policy, keys, ["route", "--json", *files, "ask", "-"], prompt))

    def verify(self, receipt, bundle):
        """Returns the exit code and the result of checking a receipt."""
        process = self._start(None, {}, ["verify", "--json", str(receipt), "--bundle", str(bundle)], "")
        code, out, err = self._finish(process)
        return code, envelope(code, out, err).get("data", {}).get("result")

    def finish(self, process):
        """Waits for a process and returns its envelope."""
        return envelope(*self._finish(process))

    def _members(self, members):
        """The providers and targets of a policy, and the keys that they need."""
        providers, targets, keys = {}, [], {}
        for number, (door, model, row) in enumerate(members):
            variable = f"SERVER_KEY_{number}"
            providers[f"server-{number}"] = door.provider(variable, model, True, {**ROW, **row})
            targets.append({"provider": f"server-{number}", "model": model})
            keys[variable] = door.key
        return providers, targets, keys

    def _start(self, policy, keys, arguments, text):
        self.count += 1
        if policy is not None:
            # JSON is YAML.
            file = self.work / f"routing-{self.count}.yaml"
            file.write_text(json.dumps(policy))
            arguments = ["--routing", str(file), *arguments]
        process = subprocess.Popen(
            [self.binary, *arguments],
            cwd=self.work,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.work), **keys},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
        return process

    def _finish(self, process):
        try:
            out, err = process.communicate(timeout=CALL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return process.returncode, "", f"not done after {CALL_S} s"
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process.returncode, out, err


def envelope(code, out, err):
    try:
        return json.loads(out)
    except ValueError:
        said = (err or out).strip()[-300:]
        return {"status": "none", "error": f"no envelope, exit code {code}: {said}", "meta": {}}
