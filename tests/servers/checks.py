"""What an envelope must say."""

from gateway import ROW


def answered(envelope, *, finish=("stop", "length"), basis="exact", row=ROW, text=None, tokens=None):
    """Returns what is wrong with an answer: its text, why it ended, its tokens and its cost.

    The cost is worked out again from the tokens and the row, where it should be exact.
    """
    if envelope["status"] != "success":
        return [failure(envelope)]
    meta, said = envelope["meta"], envelope["data"]["text"]
    problems = [] if said.strip() else ["no text"]
    if text is not None and said != text:
        problems.append(f"text {said!r}, expected {text!r}")
    problems += differs("finish_reason", meta["finish_reason"], finish)
    problems += differs("cost_basis", meta["cost_basis"], (basis,))
    problems += counted(meta["tokens"], tokens)
    if basis == "exact":
        cost = (meta["tokens"]["input"] * row["in"] + meta["tokens"]["output"] * row["out"]) / 1e6
        if abs(cost - meta["cost_usd_approx"]) > 1e-9:
            problems.append(f"cost {meta['cost_usd_approx']}, expected {cost}")
    return problems


def cut_at_one(envelope):
    """Returns what is wrong with an answer of one token, which may be a blank one."""
    if envelope["meta"].get("error_category") == "output_budget_exhausted":
        return failed(envelope, "output_budget_exhausted")
    problems = answered(envelope, finish=("length",))
    return problems or differs("tokens.output", envelope["meta"]["tokens"]["output"], (1,))


def failed(envelope, *categories, hint=True):
    """Returns what is wrong with a failure: it has one of the categories, a sentence and a hint."""
    if envelope["status"] == "success":
        return [f"answered with {envelope['data'].get('text')!r}, expected {' or '.join(categories)}"]
    category = envelope["meta"].get("error_category")
    if category not in categories:
        return [f"expected {' or '.join(categories)}: {failure(envelope)}"]
    problems = [] if envelope.get("error") else ["no sentence"]
    return problems + ([] if envelope["meta"].get("hint") or not hint else ["no hint"])


def counted(tokens, expected):
    problems = [f"tokens.{name} is {tokens[name]}" for name in ("input", "output") if tokens[name] <= 0]
    if tokens["total"] != tokens["input"] + tokens["output"]:
        problems.append(f"tokens do not add up: {tokens}")
    if tokens["cached_input"] > tokens["input"] or tokens["reasoning"] > tokens["output"]:
        problems.append(f"a part is larger than its whole: {tokens}")
    if expected and (tokens["input"], tokens["output"]) != expected:
        problems.append(f"tokens {tokens['input']} and {tokens['output']}, expected {expected}")
    return problems


def differs(name, value, expected):
    return [] if value in expected else [f"{name} is {value}, expected {' or '.join(map(str, expected))}"]


def failure(envelope):
    return f"{envelope['meta'].get('error_category')}: {envelope.get('error')}"


def ways(stream):
    return "streamed" if stream else "whole"
