"""Portkey's gateway with llama.cpp behind it, which its own headers on each request name."""

import checks
import llama
import packages
import server
from gateway import WRONG_KEY, Door
from packages import Unavailable

PINS = ["@portkey-ai/gateway@1.15.2"]


def start(servers):
    modules = packages.from_npm(servers.cache, "portkey", PINS)
    port = server.free_port()
    script = modules / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    return servers.spawn("portkey", ["node", script, f"--port={port}", "--headless"], port, "/")


def doors(portkey, upstream):
    """Its ways to the upstream."""
    to = {"x-portkey-custom-host": f"{upstream}/v1"}
    return [
        Door("openai", f"{portkey.url}/v1", llama.KEY, {**to, "x-portkey-provider": "openai"}),
        Door("anthropic", portkey.url, llama.KEY, {**to, "x-portkey-provider": "anthropic"}),
    ]


def check(gateway, servers, report):
    if not gateway.can("headers"):
        raise Unavailable("this build cannot send the headers that Portkey needs: no providers.NAME.headers")
    upstream = servers.get("llama", llama.start)
    portkey = servers.get("portkey", start)
    for door in doors(portkey, upstream.url):
        check_door(gateway, report, door, f"{door.kind}, whole")
        # As of this version it answers 500 to every request for a stream.
        streamed = gateway.ask(door, llama.MODEL, stream=True)
        fine = not checks.answered(streamed)
        report.check(f"{door.kind}, streamed", [] if fine else checks.failed(streamed, "provider_5xx"))
    nowhere = doors(portkey, f"http://127.0.0.1:{server.free_port()}")[0]
    envelope = gateway.ask(nowhere, llama.MODEL, stream=False)
    report.check("openai, whole, nobody behind it", checks.failed(envelope, "provider_5xx"))


def check_door(gateway, report, door, name):
    def ask(prompt="Say hello.", door=door, **options):
        return gateway.ask(door, llama.MODEL, prompt, stream=False, **options)

    report.check(f"{name}, answers", checks.answered(ask()))
    report.check(f"{name}, a bound of one token", checks.cut_at_one(ask(max_tokens=1)))
    locked = ask(door=door.with_key(WRONG_KEY))
    report.check(f"{name}, a wrong key", checks.failed(locked, "auth"))
    report.check(f"{name}, a prompt that is too long", checks.failed(ask(llama.TOO_LONG), "context_length"))
