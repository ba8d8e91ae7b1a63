"""Codex with a model that it knows: the model writes JavaScript, and is shown no tool of a server before it searches.

All that such a model reads of the server is a line with the beginning of its instructions, and what its own script
prints of a result.
"""

import json

from envelope import answered, shown
from turns import script

# A model of Codex's catalogue that is asked in this way.
MODEL = "gpt-6.2-sol"

# What Codex puts in place of the middle of a result that is too long for it.
CUT = "truncated output"


def asks(prompt):
    arguments = json.dumps({"task_class": "quick_answer", "prompt": prompt})
    return [("exec", f"const r = await tools.mcp__llm_gateway__llm_route({arguments}); text(r)")]


def calls(bench):
    with bench.run("code-call", script(asks("hello {say hi}")), slug=MODEL) as run:
        ran = run.finish(60)
    whole = printed(ran)
    structured = whole.get("structuredContent") or {}
    return ran.problems + answered(json.dumps(structured), "hi")


def advertises(bench):
    with bench.run("code-advertise", script(asks("hello")), slug=MODEL) as run:
        ran = run.finish(60)
    told = json.dumps(ran.seen[0].system) if ran.seen else ""
    line = told.partition("mcp__llm_gateway: ")[2].partition("\\n")[0]
    missing = [tool for tool in ("llm_route", "llm_orchestrate") if tool not in line]
    return ran.problems + ([f"the line is without {missing}: {shown(line)}"] if missing else [])


def reads_a_long_answer(bench):
    with bench.run("code-long", script(asks("{size 200000}")), slug=MODEL) as run:
        ran = run.finish(60)
    result = ran.results[-1] if ran.results else ""
    problems = [f"Codex cut the result, of {len(result)} characters"] if CUT in result else []
    return ran.problems + problems + ([] if printed(ran).get("structuredContent") else ["it is no JSON"])


def printed(ran):
    """The result as the model's script printed it; empty if it is no JSON."""
    text = ran.results[-1] if ran.results else ""
    try:
        return json.loads(text[text.index("{"):])
    except ValueError:
        return {}


QUICK = {
    "a call from code": calls,
    "what a model that writes code reads first": advertises,
    "200 kB, printed from code": reads_a_long_answer,
}
