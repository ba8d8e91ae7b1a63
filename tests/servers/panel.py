"""What takes two of the servers: a panel with its receipt, and a fallback."""

import checks
import litellm
import llama
from gateway import WRONG_KEY, doors_of


def check(gateway, servers, report):
    real = llama.doors(servers.get("llama", llama.start))[0]
    scripted = doors_of(servers.get("litellm", litellm.start).url, litellm.KEY)[0]
    members = [
        (real, llama.MODEL, {"developer": "google", "lineage": ["gemma"]}),
        (scripted, "scripted", {"developer": "openai", "lineage": ["gpt"]}),
    ]
    check_fallback(gateway, report, *[member[:2] for member in members])
    receipt, bundle = servers.work / "receipt.json", servers.work / "bundle.json"
    envelope = gateway.panel(members, "Where is Paris?", receipt, bundle)
    if envelope["status"] != "success":
        return report.check("two members", [checks.failure(envelope)])
    problems = [problem for member in envelope["data"]["members"] for problem in checks.answered(member)]
    report.check("two members answer", problems)
    certified = envelope["meta"]["visibility"].get("independence_certified")
    report.check("certified", [] if certified else [f"independence_certified is {certified}"])
    verified = gateway.verify(receipt, bundle)
    report.check("the receipt holds", checks.differs("verify", verified, ((0, "holds"),)))
    text = bundle.read_text()
    first = envelope["data"]["members"][1]["data"]["text"]
    bundle.write_text(text.replace(first.split()[0], "Madrid"))
    changed = gateway.verify(receipt, bundle)
    report.check("a changed bundle does not", checks.differs("verify", changed, ((1, "contradicted"),)))


def check_fallback(gateway, report, first, second):
    """A wrong key leads to the next target, and the answer says so."""
    door, model = first
    locked = (door.with_key(WRONG_KEY), model)
    envelope = gateway.fall_back(locked, second, "Where is Paris?")
    problems = checks.answered(envelope)
    if not problems:
        outcomes = [attempt["outcome"] for attempt in envelope["meta"]["attempts"]]
        problems += checks.differs("outcomes", outcomes, (["auth", "ok"],))
        left = envelope["meta"].get("fallback_from", {}).get("model")
        problems += checks.differs("fallback_from", left, (model,))
    report.check("a wrong key leads to the fallback", problems)
