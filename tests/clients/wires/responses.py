"""OpenAI's Responses, as Codex speaks it.

A tool of a server stands in a namespace, whose name the call repeats. Models that Codex knows get their tools in
the input instead, and call them from JavaScript, through a tool that takes text.
"""

import json
import time

from .common import Seen, in_order, text_of

CALLS = ("function_call", "custom_tool_call")
OUTPUTS = ("function_call_output", "custom_tool_call_output")


def is_mine(path):
    return path.endswith("/responses")


def read(body):
    items = body["input"] if isinstance(body.get("input"), list) else []
    listed = list(body.get("tools") or [])
    for item in items:
        if item.get("type") == "additional_tools":
            listed += item.get("tools") or []
    told = [text_of(item.get("content")) for item in items if item.get("role") in ("developer", "system")]
    seen = Seen([], system=[body.get("instructions"), *told])
    for tool in listed:
        if tool.get("type") == "namespace":
            about = {"namespace_description": tool.get("description")}
            seen.tools += [((tool["name"], inner["name"]), {**inner, **about}) for inner in tool.get("tools", [])]
        else:
            seen.tools.append((tool.get("name") or tool.get("type"), tool))
    in_turn, called, results = False, [], []
    for item in items:
        if item.get("type") in CALLS:
            seen.turns += not in_turn
            called.append(item.get("call_id"))
        elif item.get("type") in OUTPUTS:
            results.append((item.get("call_id"), text_of(item.get("output"))))
        in_turn = item.get("type") in CALLS
    seen.results = in_order(called, results)
    return seen


def write(turn, seen, body, path):
    items = []
    if turn.text:
        content = [{"type": "output_text", "text": turn.text, "annotations": []}]
        items.append({"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": content})
    items += [call(seen, number, *called) for number, called in enumerate(turn.calls)]
    usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110,
             "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    whole = {"id": f"resp_{time.monotonic_ns()}", "object": "response", "status": "completed",
             "model": body.get("model"), "output": items, "usage": usage}
    if not body.get("stream"):
        return whole
    events = [{"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}]
    for place, item in enumerate(items):
        for kind in ("response.output_item.added", "response.output_item.done"):
            events.append({"type": kind, "output_index": place, "item": item})
    events.append({"type": "response.completed", "response": whole})
    return [(event["type"], event) for event in events]


def call(seen, number, name, arguments):
    about = {"call_id": f"call_{seen.turns:03d}_{number}", "status": "completed"}
    about.update({"namespace": name[0], "name": name[1]} if isinstance(name, tuple) else {"name": name})
    if isinstance(arguments, str):
        return {"type": "custom_tool_call", "id": f"ctc_{seen.turns}_{number}", "input": arguments, **about}
    return {"type": "function_call", "id": f"fc_{seen.turns}_{number}", "arguments": json.dumps(arguments), **about}
