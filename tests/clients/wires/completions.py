"""OpenAI's Chat Completions, as opencode speaks it to a provider of its user's own."""

import json
import time

from .common import Seen, in_order, text_of


def is_mine(path):
    return path.endswith("/chat/completions")


def read(body):
    tools = [tool.get("function") or {} for tool in body.get("tools") or []]
    messages = body.get("messages", [])
    called = [called.get("id") for message in messages for called in message.get("tool_calls") or []]
    results = [(message.get("tool_call_id"), text_of(message.get("content"))) for message in messages
               if message["role"] == "tool"]
    return Seen(
        [(tool.get("name"), tool) for tool in tools],
        in_order(called, results),
        sum(bool(message.get("tool_calls")) for message in messages),
        [message for message in messages if message["role"] == "system"],
    )


def write(turn, seen, body, path):
    calls = []
    for number, (name, arguments) in enumerate(turn.calls):
        function = {"name": name, "arguments": json.dumps(arguments)}
        calls.append({"index": number, "id": f"call_{seen.turns:03d}_{number}", "type": "function", "function": function})
    reason = "tool_calls" if calls else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    about = {"id": f"c{time.monotonic_ns()}", "created": int(time.time()), "model": body.get("model")}
    message = {"role": "assistant", "content": turn.text or None, **({"tool_calls": calls} if calls else {})}
    if not body.get("stream"):
        choice = {"index": 0, "finish_reason": reason, "message": message}
        return {**about, "object": "chat.completion", "usage": usage, "choices": [choice]}
    chunk = lambda delta, finish: {
        **about, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return [(None, chunk(message, None)), (None, {**chunk({}, reason), "usage": usage}), (None, "[DONE]")]
