"""Anthropic's Messages, as Claude Code speaks it."""

import json
import time

from .common import Seen, in_order, text_of

USAGE = {"input_tokens": 100, "output_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def is_mine(path):
    return path.endswith("/messages")


def read(body):
    messages = body.get("messages", [])
    # What the agent knows of servers stands in the first message.
    told = [text_of(message.get("content")) for message in messages[:1]]
    seen = Seen([(tool.get("name"), tool) for tool in body.get("tools") or []], system=[body.get("system"), *told])
    called, results = [], []
    for message in messages:
        blocks = message.get("content")
        blocks = blocks if isinstance(blocks, list) else []
        if message["role"] == "assistant":
            used = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
            seen.turns += bool(used)
            called += used
        else:
            results += [(block.get("tool_use_id"), text_of(block.get("content"))) for block in blocks
                        if block.get("type") == "tool_result"]
    seen.results = in_order(called, results)
    return seen


def write(turn, seen, body, path):
    blocks = [{"type": "text", "text": turn.text}] if turn.text else []
    for number, (name, arguments) in enumerate(turn.calls):
        called = f"toolu_{seen.turns:03d}_{number}"
        blocks.append({"type": "tool_use", "id": called, "name": name, "input": arguments})
    reason = "tool_use" if turn.calls else "end_turn"
    message = {"id": f"msg_{time.monotonic_ns()}", "type": "message", "role": "assistant", "model": body.get("model"),
               "stop_sequence": None, "usage": USAGE}
    if not body.get("stream"):
        return {**message, "content": blocks, "stop_reason": reason}
    begin = {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    end = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 10}}
    events = [begin, *(event for place, block in enumerate(blocks) for event in block_events(place, block))]
    return [(event["type"], event) for event in [*events, end, {"type": "message_stop"}]]


def block_events(place, block):
    if block["type"] == "text":
        empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    else:
        written = json.dumps(block["input"])
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": written}
    yield {"type": "content_block_start", "index": place, "content_block": empty}
    yield {"type": "content_block_delta", "index": place, "delta": delta}
    yield {"type": "content_block_stop", "index": place}
