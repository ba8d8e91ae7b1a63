"""A person ends a call, as the escape key does it, and goes on in the same session."""

import subprocess
import time

import running
from agent import Run
from conversations import route
from envelope import answered, envelope, shown
from turns import call, script
from upstream import answer_of

LONG = {"drip": "30"}
TURNS = [
    [route("{drip %s} interrupted" % LONG["drip"])],
    [call("llm_result", run_id="latest")],
    [route("{say still here}")],
]


class Conversation(Run):
    """An agent with a person at its other side."""

    def _start(self, words, **options):
        words, person = self._agent.person(words)
        pipe = subprocess.PIPE
        process = running.start(words, stdin=pipe, stdout=pipe, stderr=self._log, **options)
        try:
            self.person = person(process, self._log)
            self.person.begin(str(self.place.project))
        except BaseException:
            running.end(process)
            raise
        return process

    def leave(self):
        """Ends the agent, by force where it stays (Gemini CLI does). Returns what is wrong with the server's end."""
        self.person.leave()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            running.end(self.process)
        return self.place.ended()


def is_interrupted(bench):
    with Conversation(bench.agent, bench.clients, bench.root, "interrupt", bench.binaries, script(*TURNS)) as run:
        run.person.ask("go")
        if not run.until(lambda: run.upstream.asked("interrupted"), 60):
            return ["the call did not begin"]
        time.sleep(2)
        run.person.interrupt()
        hung_up = run.until(lambda: run.upstream.left("interrupted"), 5)
        run.person.ask("go on")
        went_on = run.until(lambda: run.upstream.asked("still here") and len(run.model.seen[-1].results) > 1, 60)
        time.sleep(1)
        left = run.leave()
        results = max((seen.results for seen in run.model.seen), key=len)
    if not went_on or len(results) < 2:
        return left + [f"it did not go on: {len(results)} results"]
    return left + kept(results[-2], hung_up, bench.agent) + answered(results[-1], "still here")


def kept(result, hung_up, agent):
    """A call that its client ends is hung up on; one that goes on unheard can be collected."""
    if not agent.TELLS_OF_AN_INTERRUPT:
        return ([f"{agent.NAME} tells of an interrupt"] if hung_up else []) + answered(result, answer_of("quick", LONG))
    problems = [] if hung_up else ["the provider was not hung up on"]
    told = envelope(result).get("meta", {})
    return problems + ([] if told.get("error_category") == "cancelled" else [f"kept: {shown(result)}"])


QUICK = {"a person ends a call": is_interrupted}
