"""The SDKs: how each is run, and what each must see."""

import json
import time
from dataclasses import dataclass

import progress
import running
import steps
from envelope import answered, envelope, failed, orchestrated, panel, shown
from place import HERE, KEYS, Place, policy
from upstream import Upstream, answer_of, long_answer

TOOLS = ["llm_route", "llm_orchestrate", "llm_routing_info", "llm_result"]


@dataclass(frozen=True)
class Sdk:
    name: str
    package: str
    mode: str
    cancels: bool = True

    def command(self, clients, plan):
        if self.package.startswith("py"):
            return [clients.python(self.package), str(HERE / "drivers/python_sdk.py"), self.mode, plan]
        modules = str(clients.node_modules(self.package))
        return [str(clients.node() / "node"), str(HERE / "drivers/typescript_sdk.mjs"), modules, self.mode, plan]


SDKS = [
    Sdk("Python SDK 1.x", "py1", "initialize", cancels=False),
    Sdk("Python SDK 2.x, initialize", "py2", "initialize"),
    Sdk("Python SDK 2.x, discover", "py2", "discover"),
    Sdk("TypeScript SDK 1.x", "sdk", "initialize"),
    Sdk("TypeScript SDK 2.x, initialize", "sdk2", "initialize"),
    Sdk("TypeScript SDK 2.x, discover", "sdk2", "discover"),
]


class Talk:
    """One conversation of an SDK with a server of its own."""

    def __init__(self, sdk, clients, root, name, binaries):
        self.sdk, self.clients = sdk, clients
        self.upstream = Upstream()
        self.place = Place(root, f"{sdk.package}-{sdk.mode}-{name}", self.upstream, binaries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.upstream.close()

    def take(self, *planned, limit_s=60):
        """Takes the steps. Returns their facts, and what went wrong besides."""
        plan = {"command": self.place.server(), "variables": self.place.environment(), "steps": planned}
        command = self.sdk.command(self.clients, json.dumps(plan))
        environment = self.place.environment(first=self.clients.path())
        code, out, err = running.finish(command, limit_s, env=environment, cwd=self.place.project)
        if code is None:
            return [{}] * len(planned), [f"not done after {limit_s} s"]
        lines = out.strip().splitlines()
        facts = json.loads(lines[-1]) if lines else []
        problems = [] if code == 0 else [f"exit code {code}: {shown(err[-300:])}"]
        problems += [f"leaving: {fact['leaving']}" for fact in facts if "leaving" in fact]
        facts += [{}] * (len(planned) - len(facts))
        return facts, problems + self.place.ended()


def text(facts):
    """The text of a result, or what was raised in its place."""
    return (facts.get("texts") or [facts.get("raised") or "no result"])[0]


def copies(facts):
    """What is wrong with the two copies of a success."""
    both = len(facts.get("texts", [])) == 1 and facts.get("structured") == envelope(text(facts))
    return [] if both else ["the text and structuredContent are not the same"]


def lists(talk):
    (facts,), problems = talk.take(steps.tools())
    names = [tool["name"] for tool in facts.get("tools", [])]
    return problems + ([] if names == TOOLS else [f"the tools are {names}"])


def calls(talk):
    (facts,), problems = talk.take(steps.route("hello {say hi}"))
    return problems + answered(text(facts), "hi") + copies(facts)


def tells_progress(talk):
    (facts,), problems = talk.take(steps.route("{drip 22}"))
    problems += answered(text(facts), answer_of("quick", {"drip": "22"})) + progress.problems(talk.place, long=True)
    return problems + ([] if facts.get("progress") else ["the SDK handed no progress on"])


def tells_an_error(talk):
    (facts, after), problems = talk.take(steps.route("{fail 401}"), steps.route("{say still here}"))
    problems += failed(text(facts), "auth") + answered(text(after), "still here")
    return problems + ([] if facts.get("is_error") else ["it is not marked as an error"])


def tells_all_faults(talk):
    wrong = steps.call("llm_route", task_class="quick_anser", prompt="", max_tokens=0)
    (facts,), problems = talk.take(wrong)
    told = envelope(text(facts)).get("error", "") + envelope(text(facts)).get("meta", {}).get("hint", "")
    missing = [word for word in ("quick_answer", "prompt", "max_tokens") if word not in told]
    return problems + ([f"nothing is said of {missing}: {shown(text(facts))}"] if missing else [])


def cancels(talk):
    (facts, after), problems = talk.take(
        steps.route("{wait 50} cancelled", cancel_after_s=2), steps.route("{say still here}"), limit_s=40)
    problems += answered(text(after), "still here") + ([] if facts.get("cancelled") else ["it was not cancelled"])
    sent = any(m.get("method") == "notifications/cancelled" for m in talk.place.messages("client"))
    if sent != talk.sdk.cancels:
        problems.append(f"the SDK {'sends' if sent else 'does not send'} notifications/cancelled")
    # Python's 1.x sends nothing, so its call ends with the session.
    return problems + ([] if talk.upstream.left("cancelled") == 1 else ["the provider was not hung up on"])


def asks_a_panel(talk):
    (facts,), problems = talk.take(steps.route("hello", "second_opinion"))
    return problems + panel(text(facts)) + copies(facts)


def orchestrates(talk):
    (facts,), problems = talk.take(steps.call("llm_orchestrate", task="do it {say done so}"))
    return problems + orchestrated(text(facts), "done so") + copies(facts)


def reads_200_kb(talk):
    (facts, read), problems = talk.take(steps.route("{size 200000}"), steps.pages())
    if len(text(facts)) > 30_000:
        problems.append(f"the result has {len(text(facts))} characters")
    pages = [envelope(page) for page in read.get("pages", [])]
    joined = "".join(page.get("data", {}).get("text", "") for page in pages)
    whole = joined == long_answer(200_000)
    return problems + ([] if whole else [f"{len(pages)} pages, of {len(joined)} characters, are not the answer"])


def is_handed_off(talk):
    talk.place.write_policy({**policy(talk.upstream.url), "output": {"handoff_after_s": 3}})
    (first, last), problems = talk.take(steps.route("{drip 8} once"), steps.collect())
    status = envelope(text(first)).get("status")
    problems += [] if status == "running" else [f"the first status is {status}"]
    problems += answered(text(last), answer_of("quick", {"drip": "8"}))
    return problems + ([] if talk.upstream.asked("once") == 1 else ["the provider was asked more than once"])


def reloads(talk):
    new = {"provider": "north", "model": "quick", "rationale": "A new class."}
    edited = json.dumps(policy(talk.upstream.url, brand_new=new))
    facts, problems = talk.take(
        steps.tools(), steps.route("{say first}"), steps.save(talk.place.file, edited), steps.list_changed(4),
        steps.route("{say second}", "brand_new"), steps.save(talk.place.file, "defaults: {"), steps.pause(3),
        steps.route("{say third}", "brand_new"), steps.call("llm_routing_info"))
    for place, said in ((1, "first"), (4, "second"), (7, "third")):
        problems += [f"{said} call: {problem}" for problem in answered(text(facts[place]), said)]
    problems += [] if facts[3].get("changed") else ["tools/list_changed did not come"]
    told = envelope(text(facts[8])).get("data", {}).get("policy_error")
    return problems + ([] if told else ["llm_routing_info has no policy_error"])


def leaves_with_a_call_in_flight(talk):
    began = time.monotonic()
    (facts,), problems = talk.take(steps.begin("{wait 50} left", 1))
    problems += [] if facts.get("is_done") is False else ["the call was not in flight"]
    problems += [] if talk.upstream.left("left") == 1 else ["the provider was not hung up on"]
    return problems + ([] if time.monotonic() - began < 30 else ["it took more than 30 s"])


def waits_75_s(talk):
    (_, last), problems = talk.take(steps.route("{drip 75} once"), steps.collect(), limit_s=150)
    problems += answered(text(last), answer_of("quick", {"drip": "75"})) + progress.problems(talk.place, long=True)
    return problems + ([] if talk.upstream.asked("once") == 1 else ["the provider was asked more than once"])


QUICK = {
    "lists four tools": lists,
    "a call": calls,
    "an error": tells_an_error,
    "all faults of the arguments at once": tells_all_faults,
    "a panel": asks_a_panel,
    "an orchestration": orchestrates,
    "200 kB, joined from pages": reads_200_kb,
    "a call is cancelled": cancels,
    "leaving with a call in flight raises nothing": leaves_with_a_call_in_flight,
    "a call is handed off": is_handed_off,
    "the policy is edited meanwhile": reloads,
    "progress": tells_progress,
}
SLOW = {"a call of 75 s": waits_75_s}
