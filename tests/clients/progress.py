"""Whether the progress of a call kept its promises, as the record of the tap tells it."""

# A note is promised every 10 seconds; half a second more is for a busy machine.
LONGEST_SILENCE_S = 10.5


def problems(place, long=False):
    """What is wrong with the progress of the calls of tools; `long`: some call works for more than 10 s."""
    asked = [m for m in place.messages("client") if m.get("method") == "tools/call"]
    told = place.messages("server")
    found = []
    for call in asked:
        token = call["params"].get("_meta", {}).get("progressToken")
        answer = next((m["at"] for m in told if m.get("id") == call["id"] and "method" not in m), None)
        notes = [m for m in told if m.get("method") == "notifications/progress"
                 and m["params"].get("progressToken") == token and token is not None]
        found += of_call(call, token, notes, answer)
        if long and answer and answer - call["at"] > LONGEST_SILENCE_S:
            found += silences(call["at"], notes, answer)
    return found or ([] if asked else ["no tool was called"])


def of_call(call, token, notes, answer):
    what = call["params"].get("name")
    if token is None:
        return [] if not notes else [f"{what}: progress without a token"]
    # What the server knows without asking anybody may be done before there is anything to tell.
    if not notes:
        return [f"{what}: no progress"] if what in ("llm_route", "llm_orchestrate") else []
    steps = [note["params"]["progress"] for note in notes]
    found = []
    if any(later <= earlier for earlier, later in zip(steps, steps[1:])):
        found.append(f"{what}: progress does not grow: {steps}")
    if answer and any(note["at"] > answer for note in notes):
        found.append(f"{what}: progress after the result")
    if any(len(note["params"].get("message") or "") > 200 for note in notes):
        found.append(f"{what}: a message is longer than 200 characters")
    if not any(note["params"].get("message") for note in notes):
        found.append(f"{what}: progress without a message")
    return found


def silences(begin, notes, end):
    times = [begin, *(note["at"] for note in notes), end]
    longest = max(later - earlier for earlier, later in zip(times, times[1:]))
    return [] if longest <= LONGEST_SILENCE_S else [f"nothing was told for {longest:.1f} s"]
