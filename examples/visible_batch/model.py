"""The model: local and deterministic, and as careless with its format as those that cost money."""

import hashlib
import json
from dataclasses import dataclass

MODEL = "local-classifier-1"
LABELS = ("billing", "delivery", "praise", "question")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One customer's message that is to be classified and answered."""

    member: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a customer is to see of one item."""

    member: str
    label: str
    reply: str


class AnswerInvalid(Exception):
    """The model's answer is no result; the sentence says why."""


def items(count: int) -> list[Item]:
    """So many messages, the same each time."""
    return [
        Item(member=f"item-{number:04}", text=f"Message {number}: where is order {number * 7}?")
        for number in range(1, count + 1)
    ]


def call_model(item: Item) -> str:
    """The answer as text, JSON when all is well."""
    digest = hashlib.sha256(item.text.encode()).digest()
    label = LABELS[digest[0] % len(LABELS)]
    reply = f"Thank you for writing to us. We have filed this under {label}."
    return json.dumps({"label": label, "reply": reply})


def validate(item: Item, answer: str) -> Result:
    """Raises AnswerInvalid when it cannot be read or names an unknown label."""
    try:
        read = json.loads(answer)
    except ValueError as error:
        raise AnswerInvalid(f"The answer is no JSON: {error}") from error
    if read.get("label") not in LABELS or not read.get("reply"):
        raise AnswerInvalid(f"The answer names no known label: {answer[:80]}")
    return Result(member=item.member, label=read["label"], reply=read["reply"])
