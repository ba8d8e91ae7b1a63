"""Reads what a client handed on of the server's results."""

import json


def envelope(text):
    """The envelope in what a model was shown, which its client may have wrapped. Empty if it cannot be read."""
    decoder = json.JSONDecoder()
    for place, letter in enumerate(text):
        if letter == "{":
            try:
                found = decoder.raw_decode(text, place)[0]
            except ValueError:
                continue
            if isinstance(found, dict) and "status" in found:
                return found
    return {}


def status(result):
    return envelope(result).get("status")


def answered(result, text):
    """What is wrong with a success that should have this text."""
    found = envelope(result)
    if found.get("status") != "success":
        return [f"no success: {shown(result)}"]
    return [] if found["data"].get("text") == text else [f"the text is {shown(str(found['data'].get('text')))}"]


def failed(result, category):
    """What is wrong with an error that should be of this category and have a hint."""
    found = envelope(result)
    if found.get("status") != "error":
        return [f"no error: {shown(result)}"]
    told = found["meta"].get("error_category")
    problems = [] if told == category else [f"the category is {told}, expected {category}"]
    return problems + ([] if found.get("error") and found["meta"].get("hint") else ["no sentence or no hint"])


def panel(result):
    """What is wrong with the answer of the panel of two."""
    found = envelope(result)
    if found.get("status") != "success":
        return [f"no success: {shown(result)}"]
    texts = [member["data"].get("text") for member in found["data"].get("members", [])]
    problems = [] if texts == ["ok from quick", "ok from other"] else [f"the members said {texts}"]
    certified = found["meta"].get("visibility", {}).get("independence_certified")
    return problems + ([] if certified is True else [f"independence_certified is {certified}"])


def orchestrated(result, artifact):
    """What is wrong with a task that should have been accepted."""
    found = envelope(result)
    if found.get("status") != "success":
        return [f"no success: {shown(result)}"]
    data = found["data"]
    problems = [] if data.get("artifact") == artifact else [f"the artifact is {shown(str(data.get('artifact')))}"]
    return problems + ([] if data.get("verdict", {}).get("accepted") is True else ["it was not accepted"])


def shown(text):
    """The beginning of a text, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:160]}… ({len(text)} characters)"
