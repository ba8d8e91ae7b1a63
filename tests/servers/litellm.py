"""LiteLLM's proxy: scripted models and llama.cpp behind it, in all dialects."""

import json

import checks
import llama
import packages
import server
from gateway import WRONG_KEY, doors_of
from packages import Unavailable

PINS = ["litellm[proxy]==1.108.7"]
KEY = "sk-litellm-0123456789abcdef"
TEXT = "Paris is the capital of France."

# What its scripted models do, and what the gateway makes of it.
FAILURES = {
    "litellm.RateLimitError": "rate_limit",
    "litellm.ContextWindowExceededError": "context_length",
    "litellm.InternalServerError": "provider_5xx",
}


def start(servers):
    binaries = packages.from_pypi(servers.cache, "litellm", PINS)
    port = server.free_port()
    models = [
        scripted("scripted", "openai/gpt-4o-mini", TEXT),
        scripted("scripted-claude", "anthropic/claude-haiku-4-5", TEXT),
    ]
    models += [scripted(word, "openai/gpt-4o-mini", word) for word in FAILURES]
    models += behind(servers)
    configuration = servers.work / "litellm.yaml"
    # JSON is YAML.
    settings = {
        "model_list": models,
        "general_settings": {"master_key": KEY},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
    configuration.write_text(json.dumps(settings))
    command = [binaries / "litellm", "--config", configuration, "--host", "127.0.0.1", "--port", port]
    # It has its own copy of the table that it would load otherwise.
    local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return servers.spawn("litellm", [*command, "--telemetry", "False"], port, "/health/liveliness", **local)


def scripted(name, model, text):
    parameters = {"model": model, "api_key": "sk-made-up", "mock_response": text}
    return {"model_name": name, "litellm_params": parameters}


def behind(servers):
    """The models that it asks llama.cpp for, with the right key and with a wrong one."""
    try:
        upstream = servers.get("llama", llama.start)
    except Unavailable:
        return []
    keys = {"llama": llama.KEY, "llama-locked": WRONG_KEY}
    bases = {"openai": f"{upstream.url}/v1", "anthropic": upstream.url}
    return [
        {
            "model_name": f"{name}-{kind}",
            "litellm_params": {"model": f"{kind}/{llama.MODEL}", "api_base": base, "api_key": key},
        }
        for name, key in keys.items()
        for kind, base in bases.items()
    ]


def check(gateway, servers, report):
    proxy = servers.get("litellm", start)
    for door in doors_of(proxy.url, KEY):
        for stream in (True, False):
            check_door(gateway, report, door, stream)
            check_behind(gateway, servers, report, door, stream)


def check_door(gateway, report, door, stream):
    name = f"{door.kind}, {checks.ways(stream)}"

    def ask(model, prompt="Where is Paris?", door=door, **options):
        return gateway.ask(door, model, prompt, stream=stream, **options)

    # As a stream some of its doors send the scripted text in pieces of which one comes twice.
    text = None if stream else TEXT
    for model in ("scripted", "scripted-claude"):
        report.check(f"{name}, {model} answers", checks.answered(ask(model), text=text))
    locked = ask("scripted", door=door.with_key(WRONG_KEY))
    report.check(f"{name}, a wrong key", checks.failed(locked, "auth"))
    report.check(f"{name}, an unknown model", checks.failed(ask("no-such-model"), "model_not_found"))
    for word, category in FAILURES.items():
        if (door.kind, stream) == ("gemini", False):
            report.skip(f"{name}, {word}", "this door answers with the word as a text")
        else:
            report.check(f"{name}, {word}", checks.failed(ask(word), category))


def check_behind(gateway, servers, report, door, stream):
    """Calls that it hands on to llama.cpp, under each of the two dialects."""
    try:
        servers.get("llama", llama.start)
    except Unavailable as reason:
        return report.skip(f"{door.kind}, {checks.ways(stream)}, llama behind it", str(reason))
    for kind in ("openai", "anthropic"):
        name = f"{door.kind}, {checks.ways(stream)}, llama as {kind} behind it"

        def ask(model, prompt="Say hello.", **options):
            return gateway.ask(door, f"{model}-{kind}", prompt, stream=stream, **options)

        report.check(f"{name}, answers", checks.answered(ask("llama")))
        if (door.kind, kind) == ("anthropic", "openai"):
            report.skip(f"{name}, a bound of one token", "LiteLLM asks for 16 and calls the cut an end of its own")
        else:
            report.check(f"{name}, a bound of one token", checks.cut_at_one(ask("llama", max_tokens=1)))
        long = ask("llama", llama.TOO_LONG)
        report.check(f"{name}, a prompt that is too long", checks.failed(long, "context_length"))
        report.check(f"{name}, a wrong key behind it", checks.failed(ask("llama-locked"), "auth"))
