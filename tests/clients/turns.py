"""Scripts for an agent's model, put together from parts.

A part is a function from the results that it has not been asked about yet, to the calls that it wants, and the results
that are left for the next part. A part without calls is done.
"""

from envelope import envelope, status

# A part that collects gives up after so many results.
MOST_RESULTS = 20


def call(tool, **arguments):
    return (tool, arguments)


def script(*turns):
    """A model that plays these turns, and then ends."""
    return lambda seen: turns[seen.turns] if seen.turns < len(turns) else "done"


def plan(*parts):
    """A model that plays one part after the other, and then ends."""
    def say(seen):
        rest = seen.results
        for part in parts:
            calls, rest = part(rest)
            if calls:
                return calls
        return "done"
    return say


def once(*calls):
    """A part that makes these calls in one turn."""
    return lambda results: (None, results[len(calls):]) if len(results) >= len(calls) else (list(calls), [])


def collected(first):
    """A part that asks, and collects what is answered `running` until it is done."""
    def part(results):
        for place, result in enumerate(results):
            if status(result) != "running" or place + 1 == MOST_RESULTS:
                return None, results[place + 1:]
        run = envelope(results[-1])["meta"].get("run_id", "latest") if results else None
        return [call("llm_result", run_id=run) if run else first], []
    return part


def paged(first):
    """A part that asks, and then reads every page of a long answer."""
    def part(results):
        meta = envelope(results[0]).get("meta", {}) if results else {}
        pages = int(meta.get("pages") or 0)
        if len(results) > pages:
            return None, results[pages + 1:]
        return [call("llm_result", run_id=meta["run_id"], page=len(results)) if results else first], []
    return part


def shared_out(results, *parts):
    """The results of each part of a plan."""
    slices = []
    for part in parts:
        _, rest = part(results)
        slices.append(results[:len(results) - len(rest)])
        results = rest
    return slices
