"""The steps that every SDK takes in the same way, in drivers/, and the facts that come of each.

| step | what it does | facts |
|---|---|---|
| `tools` | lists the tools | `tools` |
| `call` | calls a tool, with progress; perhaps with a timeout, or cancelled after a while | `texts`, `is_error`, `structured`, `progress`; `raised`; `cancelled` |
| `collect` | asks `llm_result` while the last answer is `running` | as `call` |
| `pages` | asks `llm_result` for each page of the last answer | `pages` |
| `save` | saves a file, by renaming | |
| `pause` | waits | |
| `begin` | begins a call that nobody waits for | `is_done` |
| `list_changed` | waits for a change of the list of tools | `changed` |

What goes wrong while a client connects or leaves is the fact `leaving`, at the end.
"""


def tools():
    return {"do": "list"}


def call(tool, timeout_s=None, cancel_after_s=None, **arguments):
    step = {"do": "call", "tool": tool, "arguments": arguments}
    clocks = {"timeout_s": timeout_s, "cancel_after_s": cancel_after_s}
    return {**step, **{name: value for name, value in clocks.items() if value}}


def route(prompt, task_class="quick_answer", **clocks):
    return call("llm_route", task_class=task_class, prompt=prompt, **clocks)


def collect():
    return {"do": "collect"}


def pages():
    return {"do": "pages"}


def save(path, text):
    return {"do": "save", "path": str(path), "text": text}


def pause(seconds):
    return {"do": "pause", "seconds": seconds}


def begin(prompt, seconds):
    arguments = {"task_class": "quick_answer", "prompt": prompt}
    return {"do": "begin", "tool": "llm_route", "arguments": arguments, "seconds": seconds}


def list_changed(within_s):
    return {"do": "list_changed", "within_s": within_s}
