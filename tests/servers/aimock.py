"""aimock: scripted answers and faults, in all dialects."""

import json

import checks
import packages
import server
from gateway import WRONG_KEY, doors_of

PINS = ["@copilotkit/aimock@1.43.0"]
KEY = "sk-aimock-0123456789abcdef"
MODEL = "scripted-model"
TEXT = "Hello! How can I help you today? There is much that can be told."
USAGE = {
    "prompt_tokens": 21, "completion_tokens": 9, "total_tokens": 30,
    "input_tokens": 21, "output_tokens": 9,
    "promptTokenCount": 21, "candidatesTokenCount": 9, "totalTokenCount": 30,
}

# What makes an answer: the word in the prompt, the response, and what stands beside it.
SCRIPT = {
    "answer": ({"content": TEXT, "usage": USAGE}, {}),
    "uncounted": ({"content": TEXT}, {}),
    "bounded": ({"content": TEXT, "usage": USAGE, "finishReason": "length"}, {}),
    "filtered": ({"content": TEXT, "usage": USAGE, "finishReason": "content_filter"}, {}),
    "thought": ({"content": TEXT, "reasoning": "Let me think.", "usage": USAGE}, {}),
    "slowly": ({"content": TEXT, "usage": USAGE}, {"latency": 300, "chunkSize": 4}),
    "cut": ({"content": TEXT, "usage": USAGE}, {"latency": 100, "truncateAfterChunks": 3}),
}


def refusal(status, code, message):
    return {"status": status, "error": {"message": message, "type": code, "code": code}}


# What makes a failure, and its category.
FAILURES = {
    "no credit": (refusal(429, "insufficient_quota", "You exceeded your current quota"), {}, "quota"),
    "too long": (refusal(400, "context_length_exceeded", "The prompt is too long"), {}, "context_length"),
    "no model": (refusal(404, "model_not_found", "There is no such model"), {}, "model_not_found"),
    "indecent": (refusal(400, "content_filter", "The prompt was filtered"), {}, "content_filter"),
    "overload": (refusal(503, "overloaded_error", "Overloaded"), {}, "overloaded"),
    "too much": ({"content": TEXT}, {"chaos": {"rateLimitRate": 1}}, "rate_limit"),
    "malformed": ({"content": TEXT}, {"chaos": {"malformedRate": 1}}, "bad_response"),
    "dropped": ({"content": TEXT}, {"chaos": {"dropRate": 1}}, "provider_5xx"),
    "disconnected": ({"content": TEXT}, {"chaos": {"disconnectRate": 1}}, "network"),
}


def start(servers):
    modules = packages.from_npm(servers.cache, "aimock", PINS)
    port = server.free_port()
    script = {**SCRIPT, **{word: case[:2] for word, case in FAILURES.items()}}
    fixtures = [
        {"match": {"userMessage": word}, "response": response, **beside}
        for word, (response, beside) in script.items()
    ]
    # The first call of each way is refused for a second, and the second one is answered.
    kinds, ways = ("openai", "anthropic", "gemini"), ("streamed", "whole")
    for word in (f"again {kind} {way}" for kind in kinds for way in ways):
        refused = refusal(429, "rate_limit_error", "Slow down")
        fixtures.append({"match": {"userMessage": word, "sequenceIndex": 0}, "response": refused})
        fixtures.append({"match": {"userMessage": word}, "response": {"content": TEXT, "usage": USAGE}})
    file = servers.work / "aimock.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    command = ["node", modules / ".bin" / "llmock", "--port", port, "--fixtures", file]
    return servers.spawn("aimock", command, port, "/health", AIMOCK_API_KEYS=KEY)


def check(gateway, servers, report):
    mock = servers.get("aimock", start)
    for door in doors_of(mock.url, KEY):
        for stream in (True, False):
            check_door(gateway, report, door, stream)


def check_door(gateway, report, door, stream):
    name = f"{door.kind}, {checks.ways(stream)}"

    def ask(prompt, door=door, **options):
        return gateway.ask(door, MODEL, prompt, stream=stream, **options)

    def answered(prompt, **expected):
        expected = {"finish": ("stop",), "text": TEXT, "tokens": (21, 9), **expected}
        return checks.answered(ask(prompt), **expected)

    for prompt in ("answer", "thought", "slowly"):
        report.check(f"{name}, {prompt}", answered(prompt))
    report.check(f"{name}, bounded", answered("bounded", finish=("length",)))
    report.check(f"{name}, uncounted", check_uncounted(ask("uncounted"), door.kind))
    report.check(f"{name}, again", check_again(ask(f"again {name.replace(',', '')}", retries=1)))
    filtered = ask("filtered")
    fine = not checks.answered(filtered, finish=("content_filter",), text=TEXT)
    report.check(f"{name}, filtered", [] if fine else checks.failed(filtered, "content_filter"))
    if stream:
        report.check(f"{name}, cut", checks.failed(ask("cut"), "truncated", "network"))
    locked = ask("answer", door=door.with_key(WRONG_KEY))
    report.check(f"{name}, a wrong key", checks.failed(locked, "auth"))
    report.check(f"{name}, nothing that it knows", checks.failed(ask("?"), "model_not_found"))
    for word, (_, _, category) in FAILURES.items():
        report.check(f"{name}, {word}", checks.failed(ask(word), category))


def check_uncounted(envelope, kind):
    """Without counts in its script it reports 0 beside the text, but for `openai`, where it counts."""
    if kind == "openai":
        return checks.answered(envelope, text=TEXT)
    problems = checks.answered(envelope, text=TEXT, basis="estimated")
    if not problems and not envelope["meta"]["tokens"].get("estimated"):
        problems.append("the tokens do not say that they are estimated")
    return problems


def check_again(envelope):
    problems = checks.answered(envelope, finish=("stop",), text=TEXT, tokens=(21, 9))
    if not problems and envelope["meta"]["retries"] != 1:
        problems.append(f"{envelope['meta']['retries']} retries, expected 1")
    return problems
