"""What all wires share: a turn of a scripted model, and what a request says."""

from dataclasses import dataclass, field


@dataclass
class Seen:
    """What a request of an agent shows its model."""

    tools: list                                   # (name, definition), as the agent names them
    results: list = field(default_factory=list)   # the text of each result so far
    turns: int = 0                                # how many turns with calls the model has had
    system: object = None


@dataclass
class Turn:
    """What the model says next: a text, or calls of tools by the agent's names for them."""

    text: str = ""
    calls: list = field(default_factory=list)     # (name, arguments)


def text_of(content):
    """The text of a result that is a text or a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or "" for block in content or [] if isinstance(block, dict))


def in_order(calls, results):
    """The texts of results, each `(id, text)`, in the order of their calls: agents send them as they come."""
    place = {called: number for number, called in enumerate(calls)}
    return [text for _, text in sorted(results, key=lambda result: place.get(result[0], len(place)))]
