"""Gemini's generateContent, as Gemini CLI speaks it."""

import json
import time

from .common import Seen, in_order

# What the agent's side questions, which offer no tools, want to hear.
SIDE = {"reasoning": "none", "model_choice": "flash", "next_speaker": "user", "complexity_score": 1}


def is_mine(path):
    return "enerateContent" in path


def read(body):
    declared = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations", [])]
    told = [body.get("systemInstruction"), *body.get("contents", [])[:1]]
    seen = Seen([(one.get("name"), one) for one in declared], system=told)
    called, results = [], []
    for content in body.get("contents", []):
        parts = content.get("parts") or []
        seen.turns += content.get("role") == "model" and any("functionCall" in part for part in parts)
        called += [part["functionCall"].get("id") for part in parts if "functionCall" in part]
        for answered in (part["functionResponse"] for part in parts if "functionResponse" in part):
            response = answered.get("response") or {}
            text = response.get("output") or response.get("error") or json.dumps(response)
            results.append((answered.get("id"), text))
    seen.results = in_order(called, results)
    return seen


def write(turn, seen, body, path):
    text = turn.text if seen.tools else json.dumps(SIDE)
    parts = [{"text": text}] if text else []
    for number, (name, arguments) in enumerate(turn.calls):
        called = {"name": name, "args": arguments, "id": f"call{seen.turns}{number}"}
        parts.append({"functionCall": called, "thoughtSignature": "c2ln"})
    whole = {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
        "modelVersion": path.rsplit("/", 1)[-1].split(":")[0],
        "responseId": f"r{time.monotonic_ns()}",
    }
    return [(None, whole)] if ":stream" in path else whole
