"""A person ends a call, as the escape key does it, and goes on in the same session."""

import subprocess
import time

import running
from agent import Run
from conversations import route
from envelope import answered, envelope, orchestrated, shown
from turns import call, script
from upstream import answer_of

# What the model does after it was ended, and told to go on.
GOING_ON = ([call("llm_result", run_id="latest")], [route("{say still here}")])


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


def interrupted(bench, name, first, requests):
    """Ends the first call 2 s after so many requests reached the providers. Returns what is wrong, whether the provider
    was hung up on, and the results."""
    with Conversation(bench.agent, bench.clients, bench.root, name, bench.binaries, script([first], *GOING_ON)) as run:
        run.person.ask("go")
        if not run.until(lambda: run.upstream.asked("ended") >= requests, 60):
            return ["the call did not begin"], False, []
        time.sleep(2)
        run.person.interrupt()
        hung_up = run.until(lambda: run.upstream.left("ended"), 5)
        run.person.ask("go on")
        went_on = run.until(lambda: run.upstream.asked("still here") and len(run.model.seen[-1].results) > 1, 60)
        time.sleep(1)
        problems = run.leave()
        results = max((seen.results for seen in run.model.seen), key=len)
    if not went_on or len(results) < 2:
        return problems + [f"it did not go on: {len(results)} results"], hung_up, []
    return problems + answered(results[-1], "still here"), hung_up, results


def ends_a_call(bench):
    problems, hung_up, results = interrupted(bench, "interrupt", route("ended {drip 30}"), 1)
    whole = lambda result: answered(result, answer_of("quick", {"drip": "30"}))
    return problems + kept(bench.agent, hung_up, results, whole)


def ends_an_orchestration(bench):
    """What the worker was paid for is kept, though the verifier was cut short."""
    task = call("llm_orchestrate", task="ended {drip 10}")
    problems, hung_up, results = interrupted(bench, "interrupt-orchestration", task, 2)
    artifact = answer_of("quick", {"drip": "10"})
    problems += kept(bench.agent, hung_up, results, lambda result: orchestrated(result, artifact))
    told = [envelope(result).get("data", {}).get("artifact") for result in results[-2:-1]]
    return problems + ([] if told in ([artifact], []) else [f"the artifact is {shown(str(told[0]))}"])


def kept(agent, hung_up, results, whole):
    """A call that its client ends is hung up on; one that goes on unheard can be collected whole."""
    if not results:
        return []
    if not agent.TELLS_OF_AN_INTERRUPT:
        return ([f"{agent.NAME} tells of an interrupt"] if hung_up else []) + whole(results[-2])
    problems = [] if hung_up else ["the provider was not hung up on"]
    told = envelope(results[-2]).get("meta", {})
    return problems + ([] if told.get("error_category") == "cancelled" else [f"kept: {shown(results[-2])}"])


QUICK = {"a person ends a call": ends_a_call, "a person ends an orchestration": ends_an_orchestration}
