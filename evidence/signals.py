"""What comes to the one door: a signal, cleaned and measured, and the receipt that goes back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from evidence.redaction import Note, redact, redact_text
from monitors.conditions.rules import (
    CLOSE,
    PING,
    START,
    Strength,
)
from monitors.conditions.values import Outcome

PAYLOAD_BYTES = 32 * 1024
TEXT_BYTES = {"output": 32 * 1024, "summary": 1000}
"""Longer ones keep head and tail."""


class Action(StrEnum):
    """What the caller wants; decides which rows a signal touches."""

    PING = "ping"
    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    NOTHING = "nothing"
    EVIDENCE = "evidence"


KIND_OF = {
    Action.PING: PING,
    Action.START: START,
    Action.SUCCESS: CLOSE,
    Action.FAIL: CLOSE,
    Action.NOTHING: CLOSE,
}
OUTCOME_OF = {
    Action.SUCCESS: Outcome.SUCCESS,
    Action.FAIL: Outcome.FAIL,
    Action.NOTHING: Outcome.NOTHING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who vouches for a signal, and by which door; fixed by the door, never by the caller's words."""

    workspace_id: UUID
    token_id: UUID | None
    bound_to: UUID | None = None
    """The one monitor that the sender may speak of; None for any of the workspace."""
    source: str = "api"
    strength: Strength = Strength.CLAIM
    request_id: UUID | None = None
    receiver_id: UUID | None = None
    """The receiver that the signal came through, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One cleaned signal. `run_id`, or `monitor_id` with `external_run_id` or `subject`, says of what."""

    sender: Sender
    action: Action
    kind: str
    monitor_id: UUID | None = None
    run_id: UUID | None = None
    external_run_id: str = ""
    subject: str = ""
    event_id: str = ""
    """The caller's idempotency key; empty if none."""
    counts_once: bool = False
    """The event id is spent by the first that brings it, whichever monitors that concerned."""
    occurred_at: datetime | None = None
    """None means: when it is received."""
    fresh_as_of: datetime | None = None
    summary: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    payload: bytes | None = None
    """JSON, redacted."""
    expected: bytes | None = None
    """JSON, redacted: what the sender says the outcome must be."""
    output: str = ""
    exit_code: int | None = None
    environment: str = ""
    host: str = ""
    deploy_sha: str = ""
    attempt: int | None = None
    tags: Sequence[str] = ()
    rule: str = ""
    """Which rule of a vendor's table made this of the request."""
    redactions: tuple[Note, ...] = ()
    truncation: dict[str, dict[str, int]] | None = None
    digest: bytes = b""
    is_found: bool = False
    """It comes from outside and knows no monitor: evidence.matching places it."""

    @property
    def outcome(self) -> Outcome:
        return OUTCOME_OF.get(self.action, Outcome.NONE)


class Fate(StrEnum):
    """What became of a signal; the API turns it into a status."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """The same event id was stored before."""
    REPLAYED = "replayed"
    """The same start or close was stored before."""
    CONTRARY = "contrary"
    """A fail after the success that won: kept as evidence."""
    CONTRARY_AGAIN = "contrary_again"
    """The repetition of such a fail by its event id: answered alike, kept once."""
    UNKNOWN = "unknown"
    """No such monitor or run for this sender."""
    WRONG_MODE = "wrong_mode"
    """The monitor's mode does not take such a signal."""
    UNNAMED = "unnamed"
    """It does not say which run of the monitor it is about."""
    UNPLACED = "unplaced"
    """It matches no run yet, and waits for one."""
    REFUSED = "refused"
    """The database would not take this one; its neighbours were stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """The closing claim that stands."""

    evidence_id: UUID
    at: datetime
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the caller is told, after the commit."""

    fate: Fate
    evidence_id: UUID | None = None
    run_id: UUID | None = None
    state: str | None = None
    """As last judged; None if never."""
    next_deadline_at: datetime | None = None
    reported: str = ""
    """The outcome of the run's closing claim that stands."""
    winner: Winner | None = None
    """That claim, for one that lost against it; None when its evidence is not kept any more,
    or when very many others came after it."""
    mode: str = ""
    is_paused: bool = False
    placed: int | None = None
    """Of a piece from outside: in how many monitors it was stored."""
    reason: str = ""
    """Why such a piece found no run (models.Unplaced)."""
    is_again: bool = False
    """The same event waits already."""

    @property
    def is_repeat(self) -> bool:
        """Nothing of it is new, wherever it belongs."""
        return self.fate is Fate.DUPLICATE or self.is_again


def clean(sender: Sender, action: Action, words: Mapping[str, Any]) -> Signal:
    """Redact, cut and digest what a caller sent; `words` are the fields of Signal, payload as a JSON value."""
    notes: list[Note] = []
    truncation: dict[str, dict[str, int]] = {}
    cleaned = dict(words)
    if "kind" not in cleaned:
        cleaned["kind"] = KIND_OF.get(action, "")
    for name in ("payload", "expected"):
        if cleaned.get(name) is not None:
            cleaned[name] = _clean_json(cleaned[name], name, notes)
    for name in ("ids", "tags"):
        if cleaned.get(name):
            cleaned[name], found = redact(cleaned[name], path=name)
            notes += found
    for name, limit in TEXT_BYTES.items():
        if cleaned.get(name):
            cleaned[name] = _clean_text(cleaned[name], name, limit, notes, truncation)
    return Signal(
        sender=sender,
        action=action,
        redactions=tuple(notes),
        truncation=truncation or None,
        digest=_digest(cleaned),
        **cleaned,
    )


def _clean_json(payload: Any, path: str, notes: list[Note]) -> bytes:
    encoded = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    cleaned, found = redact(payload, path=path, encoded=encoded)
    notes += found
    return orjson.dumps(cleaned, option=orjson.OPT_SORT_KEYS) if found else encoded


def _clean_text(
    text: str, path: str, limit: int, notes: list[Note], truncation: dict[str, dict[str, int]]
) -> str:
    """Redact first: a secret that the cut halves would no longer be known for one."""
    if not text:
        return text
    text, found = redact_text(text, path=path)
    notes += found
    raw = text.encode()
    if len(raw) <= limit:
        return text
    half = (limit - 64) // 2
    head, tail = raw[:half].decode(errors="ignore"), raw[-half:].decode(errors="ignore")
    cut = len(raw) - len(head.encode()) - len(tail.encode())
    truncation[path] = {"bytes": len(raw), "kept": len(raw) - cut}
    return f"{head}\n[… {cut} bytes left out …]\n{tail}"


_CONTENT = "kind", "output", "summary", "ids", "exit_code", "fresh_as_of", "occurred_at"


def _digest(words: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON of the redacted content."""
    content = {name: words.get(name) for name in _CONTENT} | {"payload": None}
    for name in ("payload", "expected"):
        if words.get(name):
            content[name] = orjson.Fragment(words[name])
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
