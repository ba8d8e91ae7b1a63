"""Runs an agent once, from its start to its end, against a scripted model."""

import subprocess
import time
from dataclasses import dataclass

import running
from envelope import shown
from model import Model
from place import Place, is_alive
from upstream import Upstream


@dataclass
class Ran:
    place: Place
    upstream: Upstream
    seen: list        # what each request showed the model
    said: str         # the end of what the agent printed
    seconds: float
    problems: list    # what went wrong with the run itself

    @property
    def results(self):
        """The text of each result that the model was shown, in order."""
        return max((seen.results for seen in self.seen), key=len, default=[])


class Run:
    """An agent at work. `with` ends it, its server and its scripted parts, whatever happens."""

    def __init__(self, agent, clients, root, name, binaries, script, timeout_s=None, **options):
        self.upstream = Upstream()
        self.place = Place(root, f"{agent.CONFIG}-{name}", self.upstream, binaries)
        self.model = Model(script, agent.name_of, self.place.root / "shown.jsonl")
        entry, why = self.place.entry(agent.CONFIG)
        if entry is None:
            raise RuntimeError(f"client-config {agent.CONFIG} printed no entry: {why}")
        self._options = (clients, self.place, self.model, entry, timeout_s)
        self._agent, self._more = agent, options
        self.process = None

    def __enter__(self):
        words, variables = self._agent.command(*self._options, **self._more)
        environment = self.place.environment(first=self._options[0].path(), **variables)
        self._log = (self.place.root / "agent.log").open("wb")
        self._began = time.monotonic()
        self.process = self._start(words, cwd=self.place.project, env=environment)
        return self

    def _start(self, words, **options):
        return running.start(words, stdout=self._log, stderr=subprocess.STDOUT, **options)

    def __exit__(self, *_):
        running.end(self.process)
        for _, started in self.place.passed("started"):
            if is_alive(started["pid"]):
                running.end_group(started["pid"])
        self._log.close()
        self.model.close()
        self.upstream.close()

    def finish(self, limit_s):
        """Waits for the agent's end, and returns how it went."""
        problems = []
        try:
            if code := self.process.wait(limit_s):
                problems.append(f"the agent exited with {code}")
        except subprocess.TimeoutExpired:
            problems.append(f"the agent was not done after {limit_s} s")
            running.end(self.process)
        seconds = time.monotonic() - self._began
        said = (self.place.root / "agent.log").read_text(errors="replace")
        if problems:
            problems[0] += f": {shown(said[-400:])}"
        return Ran(self.place, self.upstream, self.model.seen, said, seconds, problems + self.place.ended())

    def until(self, what, limit_s):
        """Waits until something is true, or the agent has ended. Returns whether it is."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if what():
                return True
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        return bool(what())
