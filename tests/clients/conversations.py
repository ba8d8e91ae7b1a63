"""What every agent must get through with, its model scripted: the checks, each independent of the others."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import progress
from agent import Run
from envelope import answered, envelope, failed, orchestrated, panel, shown
from installed import Clients
from place import policy
from turns import call, collected, paged, plan, script
from upstream import answer_of, long_answer

# What an envelope may have, and what a client puts around it.
LONGEST_SHOWN = 30_000 + 1_000

# A clock that ends a call in every client: shorter than the time between two notes of progress, which start it anew in
# opencode.
SHORT_CLOCK_S = 4


@dataclass(frozen=True)
class Bench:
    """What a check needs to run an agent."""

    agent: object
    clients: Clients
    root: Path
    binaries: Path

    def run(self, name, model, **options):
        return Run(self.agent, self.clients, self.root, name, self.binaries, model, **options)


def route(prompt, task_class="quick_answer"):
    return call("llm_route", task_class=task_class, prompt=prompt)


def last(ran):
    return ran.results[-1] if ran.results else f"no result: {ran.said[-300:]}"


def calls(bench):
    with bench.run("call", script([route("hello {say hi}")])) as run:
        ran = run.finish(60)
    return ran.problems + answered(last(ran), "hi")


def advertises(bench):
    """Before any search, the model knows `llm_route`, or reads of it in the part of the instructions that is shown."""
    with bench.run("advertise", script([route("hello")])) as run:
        ran = run.finish(60)
    names = [str(name) for name, _ in ran.seen[0].tools] if ran.seen else []
    begin = next((m["result"].get("instructions") or "" for m in ran.place.messages("server")
                  if "serverInfo" in json.dumps(m.get("result", {}))), "")[:240]
    problems = [] if any("llm_route" in name for name in names) else ["llm_route is not in the first request"]
    missing = [tool for tool in ("llm_route", "llm_orchestrate") if tool not in begin]
    return ran.problems + problems + ([f"the instructions begin without {missing}"] if missing else [])


def tells_an_error(bench):
    with bench.run("error", script([route("{fail 401}")], [route("{say still here}")])) as run:
        ran = run.finish(60)
    problems = failed(ran.results[0], "auth") if ran.results else ["no result"]
    return ran.problems + problems + answered(last(ran), "still here")


def asks_a_panel(bench):
    with bench.run("panel", script([route("hello", "second_opinion")])) as run:
        ran = run.finish(60)
    return ran.problems + panel(last(ran))


def orchestrates(bench):
    with bench.run("orchestrate", script([call("llm_orchestrate", task="do it {say done so}")])) as run:
        ran = run.finish(60)
    return ran.problems + orchestrated(last(ran), "done so")


def calls_four_at_once(bench):
    turn = [route("{wait 2} {say %s}" % number) for number in ("one", "two", "three", "four")]
    with bench.run("four", script(turn)) as run:
        ran = run.finish(60)
    if len(ran.results) != 4:
        return ran.problems + [f"{len(ran.results)} results"]
    said = ("one", "two", "three", "four")
    return ran.problems + [problem for text, result in zip(said, ran.results) for problem in answered(result, text)]


def reads_200_kb(bench):
    with bench.run("200kb", plan(paged(route("{size 200000} once")))) as run:
        ran = run.finish(120)
    problems = ran.problems + handed_on(ran) + whole(ran.results)
    return problems + ([] if ran.upstream.asked("once") == 1 else ["the provider was asked more than once"])


def whole(results):
    """What is wrong with the results of an answer of 200 kB and its pages."""
    longest = max(map(len, results), default=0)
    problems = [f"a result has {longest} characters"] if longest > LONGEST_SHOWN else []
    joined = "".join(envelope(page).get("data", {}).get("text", "") for page in results[1:])
    if joined != long_answer(200_000):
        problems.append(f"{len(results) - 1} pages, of {len(joined)} characters, are not the answer")
    return problems


def handed_on(ran):
    """What is wrong with how the client handed the server's answers on: each must reach the model whole."""
    given = [m["result"] for m in ran.place.messages("server") if "content" in m.get("result", {})]
    if len(given) != len(ran.results):
        return [f"{len(given)} answers, of which {len(ran.results)} were shown"]
    said = lambda answer: answer.get("structuredContent") or envelope(answer["content"][0]["text"])
    broken = [place for place, (answer, result) in enumerate(zip(given, ran.results)) if said(answer) != envelope(result)]
    return [f"the client cut answer {place + 1}: {shown(ran.results[place])}" for place in broken[:1]]


def is_handed_off(bench):
    with bench.run("handoff", plan(collected(route("{drip 8} once")))) as run:
        run.place.write_policy({**policy(run.upstream.url), "output": {"handoff_after_s": 3}})
        ran = run.finish(90)
    problems = answered(last(ran), answer_of("quick", {"drip": "8"}))
    problems += [] if len(ran.results) > 1 else ["it was not handed off"]
    return ran.problems + problems + ([] if ran.upstream.asked("once") == 1 else ["the provider was asked again"])


def cancels(bench):
    """The client's own clock ends a call: the provider is hung up on, and the server goes on."""
    turns = script([route("{wait 50} cancelled")], [call("llm_result", run_id="latest")], [route("{say still here}")])
    with bench.run("cancel", turns, timeout_s=SHORT_CLOCK_S) as run:
        hung_up = run.until(lambda: run.upstream.left("cancelled"), 40)
        ran = run.finish(60)
    problems = [] if hung_up else ["the provider was not hung up on"]
    problems += [] if any(m.get("method") == "notifications/cancelled" for m in ran.place.messages("client")) else [
        "the client sent no notifications/cancelled"]
    kept = envelope(ran.results[1]) if len(ran.results) > 1 else {}
    problems += [] if kept.get("meta", {}).get("run_id") else [f"llm_result(latest): {shown(str(ran.results[1:2]))}"]
    return ran.problems + problems + answered(last(ran), "still here")


def reloads(bench):
    """The policy is edited while the agent works: a new class counts, and a broken edit harms nothing."""
    new = {"provider": "north", "model": "quick", "rationale": "A new class."}
    state = {}

    def say(seen):
        place, url = state["run"].place, state["run"].upstream.url
        once = lambda key, text: key in state or (state.update({key: True}), place.write_policy(text), time.sleep(3))
        if seen.turns == 0:
            return [route("{say first}")]
        if seen.turns == 1:
            once("edited", policy(url, brand_new=new))
            return [call("llm_routing_info")]
        if seen.turns == 2:
            return [route("{say second}", "brand_new")]
        if seen.turns == 3:
            once("broken", "defaults: {")
            return [route("{say third}", "brand_new")]
        return [call("llm_routing_info")] if seen.turns == 4 else "done"

    with bench.run("reload", say) as run:
        state["run"] = run
        ran = run.finish(90)
    if len(ran.results) < 5:
        return ran.problems + [f"{len(ran.results)} of 5 results: {shown(last(ran))}"]
    problems = []
    for place, said in ((0, "first"), (2, "second"), (3, "third")):
        problems += [f"{said} call: {problem}" for problem in answered(ran.results[place], said)]
    told = envelope(ran.results[4]).get("data", {}).get("policy_error")
    problems += [] if told else ["llm_routing_info has no policy_error"]
    changed = any(m.get("method") == "notifications/tools/list_changed" for m in ran.place.messages("server"))
    return ran.problems + problems + ([] if changed else ["tools/list_changed was not sent"])


def tells_progress(bench):
    with bench.run("progress", plan(collected(route("{drip 22}")))) as run:
        ran = run.finish(90)
    return ran.problems + answered(last(ran), answer_of("quick", {"drip": "22"})) + progress.problems(ran.place, long=True)


def is_killed(bench):
    """An agent that is killed in the middle of a call leaves no server, and no provider at work."""
    with bench.run("killed", script([route("{wait 50} killed")])) as run:
        if not run.until(lambda: run.upstream.asked("killed"), 60):
            return ["the call did not begin"]
        os.kill(run.place.passed("started")[0][1]["client"], signal.SIGKILL)
        problems = run.place.ended(within=5)
        # What is left of the agent beside the client itself is ended with the run.
        return problems + ([] if run.upstream.left("killed") == 1 else ["the provider was not hung up on"])


def waits_75_s(bench):
    with bench.run("75s", plan(collected(route("{drip 75} once")))) as run:
        ran = run.finish(200)
    problems = answered(last(ran), answer_of("quick", {"drip": "75"}))
    problems += [] if ran.upstream.asked("once") == 1 else ["the provider was asked more than once"]
    return ran.problems + problems + progress.problems(ran.place, long=True)


def orchestrates_two_minutes(bench):
    with bench.run("two-minutes", plan(collected(call("llm_orchestrate", task="do it {drip 60}")))) as run:
        ran = run.finish(260)
    problems = orchestrated(last(ran), answer_of("quick", {"drip": "60"}))
    asked = ran.upstream.asked("do it")
    problems += [] if asked == 2 else [f"the providers were asked {asked} times, for a worker and a verifier"]
    return ran.problems + problems + progress.problems(ran.place, long=True)


QUICK = {
    "a call": calls,
    "what the model reads first": advertises,
    "an error": tells_an_error,
    "a panel": asks_a_panel,
    "an orchestration": orchestrates,
    "four calls in one turn": calls_four_at_once,
    "200 kB, joined from pages": reads_200_kb,
    "a call is handed off": is_handed_off,
    "a call is cancelled by the client's clock": cancels,
    "the policy is edited meanwhile": reloads,
    "the agent is killed in a call": is_killed,
    "progress": tells_progress,
}
SLOW = {
    "a call of 75 s": waits_75_s,
    "an orchestration of two minutes": orchestrates_two_minutes,
}
