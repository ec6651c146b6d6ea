"""A signal is redacted, cut and digested before anything else sees it."""

import hashlib
from typing import Any
from uuid import uuid4

import orjson
import pytest

from evidence.signals import TEXT_BYTES, Action, Sender, Signal, clean
from monitors.conditions.values import Outcome

SENDER = Sender(workspace_id=uuid4(), token_id=None)


def cleaned(action: Action = Action.EVIDENCE, **words: Any) -> Signal:
    return clean(
        SENDER, action, {"kind": "receipt", **words} if action is Action.EVIDENCE else words
    )


@pytest.mark.parametrize(
    ("action", "kind", "outcome"),
    [
        (Action.PING, "ping", Outcome.NONE),
        (Action.START, "start", Outcome.NONE),
        (Action.SUCCESS, "close", Outcome.SUCCESS),
        (Action.FAIL, "close", Outcome.FAIL),
    ],
)
def test_the_call_decides_kind_and_outcome(action: Action, kind: str, outcome: Outcome) -> None:
    signal = cleaned(action)
    assert (signal.kind, signal.outcome) == (kind, outcome)


def test_every_text_is_redacted_with_its_path() -> None:
    secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    signal = cleaned(
        payload={"a": {"k": secret}}, output=f"o {secret}", summary=f"s {secret}",
        ids={"charge": secret}, tags=["ok", secret],
    )  # fmt: skip
    stored = [signal.payload, signal.output, signal.summary, signal.ids, signal.tags]
    assert secret not in repr(stored)
    paths = {note["path"] for note in signal.redactions}
    assert paths == {"payload.a.k", "output", "summary", "ids.charge", "tags[1]"}


def test_a_long_output_keeps_head_and_tail_within_the_limit() -> None:
    text = "HEAD" + "x" * 100_000 + "TAIL"
    signal = cleaned(output=text)
    assert signal.output.startswith("HEAD")
    assert signal.output.endswith("TAIL")
    assert len(signal.output.encode()) <= TEXT_BYTES["output"]
    assert signal.truncation is not None
    assert signal.truncation["output"]["bytes"] == len(text)
    cut = len(text) - signal.truncation["output"]["kept"]
    assert f"[… {cut} bytes left out …]" in signal.output


@pytest.mark.parametrize("letter", ["é", "€", "😀"])
def test_the_cut_halves_no_letter(letter: str) -> None:
    signal = cleaned(output="a" + letter * 40_000)
    assert "\ufffd" not in signal.output
    assert len(signal.output.encode()) <= TEXT_BYTES["output"]


def test_an_output_at_the_limit_is_whole() -> None:
    signal = cleaned(output="x" * TEXT_BYTES["output"])
    assert (len(signal.output), signal.truncation) == (TEXT_BYTES["output"], None)


def test_a_secret_across_the_cut_is_masked_before_it_is_halved() -> None:
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc" * 3
    half = (TEXT_BYTES["output"] - 64) // 2
    for offset in range(0, len(secret), 9):
        text = "-" * (half - offset - 1) + " " + secret + " " + "-" * 60_000
        assert "4eC39" not in cleaned(output=text).output


def test_a_long_summary_is_cut_to_its_column() -> None:
    signal = cleaned(summary="s" * 5_000)
    assert len(signal.summary) <= 1_000
    assert signal.truncation == {"summary": {"bytes": 5_000, "kept": 936}}


def test_the_digest_is_that_of_the_redacted_content_in_canonical_json() -> None:
    signal = cleaned(payload={"b": 1, "a": {"password": "x"}}, ids={"n": "1"})
    content = {
        "kind": "receipt", "output": None, "summary": None, "ids": {"n": "1"}, "exit_code": None,
        "fresh_as_of": None, "occurred_at": None, "payload": {"a": {"password": "[redacted]"}, "b": 1},
    }  # fmt: skip
    expected = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
    assert signal.digest == expected


def test_the_digest_does_not_depend_on_the_order_of_names() -> None:
    assert cleaned(payload={"a": 1, "b": 2}).digest == cleaned(payload={"b": 2, "a": 1}).digest
    assert cleaned(payload={"a": 1}).digest != cleaned(payload={"a": 2}).digest


@pytest.mark.parametrize("payload", [0, False, "", [], {}])
def test_an_empty_payload_is_a_payload(payload: object) -> None:
    signal = cleaned(payload=payload)
    assert signal.payload == orjson.dumps(payload)
