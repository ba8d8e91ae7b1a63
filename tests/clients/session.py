"""All of it in one session of an agent, as a person has it: nothing that was paid for may be lost.

A panel; an orchestration of two minutes, which is longer than the client's clock; the policy edited under it; a class
that the edit brought; 200 kB in pages; a call that the client gives up, and what is left of it; and one call more.
"""

from conversations import route, whole
from envelope import answered, envelope, orchestrated, panel, shown
from place import policy
from turns import call, collected, once, paged, plan, shared_out
from upstream import answer_of

CLOCK_S = 70
HANDED_OFF_AFTER_S = 40

# A call that is longer than the clock.
LONG = {"drip": "95"}

PARTS = {
    "panel": once(route("hello", "second_opinion")),
    "orchestration": collected(call("llm_orchestrate", task="do it {drip 60}")),
    "new class": once(route("{say of the new class}", "brand_new")),
    "200 kB": paged(route("{size 200000}")),
    "given up": once(route("{drip %s}" % LONG["drip"])),
    "kept": once(call("llm_result", run_id="latest")),
    "after it": once(route("{say still here}")),
}


def gets_through(bench):
    new = {"provider": "north", "model": "quick", "rationale": "A new class."}
    with bench.run("session", plan(*PARTS.values()), timeout_s=CLOCK_S) as run:
        url = run.upstream.url
        run.place.write_policy({**policy(url), "output": {"handoff_after_s": HANDED_OFF_AFTER_S}})
        if not run.until(lambda: run.upstream.asked("do it"), 60):
            return ["the orchestration did not begin"]
        run.place.write_policy({**policy(url, brand_new=new), "output": {"handoff_after_s": 0}})
        ran = run.finish(360)
    return ran.problems + lost(ran, bench.agent) + asked_twice(ran.upstream)


def lost(ran, agent):
    """What is wrong with the results, each of which must have come."""
    results = dict(zip(PARTS, shared_out(ran.results, *PARTS.values())))
    empty = [name for name, some in results.items() if not some]
    if empty:
        return [f"nothing came of: {', '.join(empty)}"]
    last = {name: some[-1] for name, some in results.items()}
    found = {
        "panel": panel(last["panel"]),
        "orchestration": orchestrated(last["orchestration"], answer_of("quick", {"drip": "60"})),
        "new class": answered(last["new class"], "of the new class"),
        "200 kB": whole(results["200 kB"]),
        "given up": given_up(last["given up"], last["kept"], agent),
        "after it": answered(last["after it"], "still here"),
    }
    return [f"{name}: {problem}" for name, problems in found.items() for problem in problems]


def given_up(result, kept, agent):
    """A client that hears of progress may wait; what another gave up is kept."""
    if agent.PROGRESS_RESETS:
        return answered(result, answer_of("quick", LONG)) + answered(kept, answer_of("quick", LONG))
    problems = [] if not envelope(result) else [f"it was not given up: {shown(result)}"]
    told = envelope(kept)
    return problems + ([] if told.get("meta", {}).get("run_id") else [f"nothing is kept of it: {shown(kept)}"])


def asked_twice(upstream):
    """The panel asks twice, the orchestration twice, and every other call once."""
    asked = len(upstream.requests)
    return [] if asked == 8 else [f"the providers were asked {asked} times, for 8 answers"]


SLOW = {"all of it in one session": gets_through}
