"""What the comments of the blueprints say is sent, for a kept promise and for its quiet failures."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitors.conditions.rules import Strength
from monitors.conditions.values import Cause
from tests.factories.moments import instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One signal, so many minutes after the beginning."""

    after: float
    kind: str
    strength: Strength = Strength.CLAIM
    source: str = "api"
    words: dict[str, Any] = field(default_factory=dict)
    """payload, expected, ids, summary, output, host, deploy_sha."""
    age: float | None = None
    """Of its content, in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A failure that looks healthy: what is told, and what the file must say, so many minutes after."""

    told: tuple[Told, ...]
    after: float
    cause: Cause
    step: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One blueprint: its kept promise, proven after so many minutes, and its quiet failures."""

    begins_at: datetime
    kept: tuple[Told, ...]
    proven_after: float
    quiet: tuple[Quiet, ...]


def told(after: float, kind: str, **words: Any) -> Told:
    """By the sender's own word."""
    return Told(after=after, kind=kind, words=words)


def attested(after: float, kind: str, source: str, **words: Any) -> Told:
    """By a counterparty whose signature was verified."""
    return Told(after=after, kind=kind, source=source, strength=Strength.ATTESTED, words=words)


def looked(after: float, kind: str, **payload: Any) -> Told:
    """By a probe of Luota's own."""
    words = {"payload": payload}
    return Told(after=after, kind=kind, source="probe", strength=Strength.OBSERVATION, words=words)


def state(after: float, kind: str, **payload: Any) -> Told:
    return told(after, kind, payload=payload)


def member(after: float, kind: str, name: str, **payload: Any) -> Told:
    return told(after, kind, ids={"member": name}, payload=payload)


def content(after: float, kind: str, *, age: float) -> Told:
    return Told(after=after, kind=kind, age=age)


_INVOICE = (
    told(0, "start", expected={"subscription": "past_due", "plan": "free"}),
    attested(0.1, "invoice.payment_failed", "stripe", ids={"invoice": "in_1"}),
    state(0.2, "handler_returned_200", status=200),
    told(0.3, "mail_accepted", ids={"message": "m-1"}),
    state(0.5, "subscription_state", status="past_due"),
)
_TAKEN = "the event was delivered by Stripe, the handler returned 200 and the mail provider took the mail"
_MAILED = attested(2, "email.delivered", "resend", ids={"message": "m-1"})
BILLING = Scene(
    begins_at=instant("2026-03-02 10:00"),
    kept=(*_INVOICE, state(1, "entitlement", plan="free"), _MAILED),
    proven_after=2,
    quiet=(
        Quiet(
            told=(*_INVOICE, _MAILED),
            after=10,
            cause=Cause.UNPROVEN,
            step="entitlement",
            sentence=f"{_TAKEN}, "
            "but “The customer has the access of the expected plan” was not proven; due 10:10 UTC.",
        ),
        Quiet(
            told=(*_INVOICE, state(1, "entitlement", plan="pro"), _MAILED),
            after=10,
            cause=Cause.FAILED,
            step="entitlement",
            sentence=f"{_TAKEN}, "
            "but the evidence says no to “The customer has the access of the expected plan”.",
        ),
        Quiet(
            told=(
                *_INVOICE,
                state(1, "entitlement", plan="free"),
                told(2, "email.delivered"),  # the app's own word
            ),
            after=15,
            cause=Cause.UNPROVEN,
            step="customer_notified",
            sentence=f"{_TAKEN}, "
            "but “The mail provider delivered the mail to the customer” was not proven; "
            "due 10:15 UTC.",
        ),
    ),
)

_RENDERED = (
    told(0, "start"),
    state(1, "query_completed", rows=412),
    state(2, "report_rendered", bytes=88_000),
    told(3, "mail_accepted", ids={"message": "m-2"}),
    told(3.5, "close"),
)
_ALL_GREEN = (
    "cron fired, the query completed, the report was rendered, the mail provider took the mail "
    "and the job logged success"
)
REPORT = Scene(
    begins_at=instant("2026-03-02 07:00"),  # 08:00 in Berlin, a Monday
    kept=(*_RENDERED, attested(4, "email.delivered", "postmark", ids={"message": "m-2"})),
    proven_after=10,
    quiet=(
        Quiet(
            told=_RENDERED,
            after=60,
            cause=Cause.UNPROVEN,
            step="delivered",
            sentence=f"{_ALL_GREEN}, but “The mail provider delivered it” was not proven; "
            "due 08:00 UTC.",
        ),
        Quiet(
            told=(
                *_RENDERED,
                attested(4, "email.bounced", "postmark", summary="bounced: 550 mailbox full"),
            ),
            after=5,
            cause=Cause.FAILED,
            step="not_bounced",
            sentence=f"{_ALL_GREEN}, but the evidence says no to “No bounce came back”: "
            "bounced: 550 mailbox full.",
        ),
    ),
)

_NAMES = ("a", "b", "c")
_MODELLED = (
    told(0, "start", expected={"members": list(_NAMES)}, tags=["model:v3"]),
    state(10, "model_call_done", tokens=5000),
    *(member(11, "result_validated", name, valid=True) for name in _NAMES),
    state(12, "queue_drained", waiting=0),
    told(12.5, "close"),
    member(13, "result_persisted", "a", rows=1),
    member(13, "result_persisted", "b", rows=1),
)
_WORKED = "the model call is done, the queue is drained and the worker said success"
BATCH = Scene(
    begins_at=instant("2026-03-02 10:00"),
    kept=(
        *_MODELLED,
        member(14, "result_persisted", "c", rows=1),
        looked(20, "result_visible", batch="r-1", shown=3),
    ),
    proven_after=20,
    quiet=(
        Quiet(
            told=_MODELLED,
            after=60,
            cause=Cause.PARTIAL,
            step="persisted",
            sentence="2 of 3 met “Every result is saved”; missing are c; due 11:00 UTC.",
        ),
        Quiet(
            told=(
                *_MODELLED,
                member(14, "result_persisted", "c", rows=1),
                state(20, "result_visible", batch="r-1", shown=3),  # the worker's own word
            ),
            after=60,
            cause=Cause.UNPROVEN,
            step="visible",
            sentence=f"{_WORKED}, but “People see the results” was not proven; due 11:00 UTC.",
        ),
        Quiet(
            told=(
                *_MODELLED,
                member(14, "result_persisted", "c", rows=1),
                looked(20, "result_visible", batch="r-0", shown=3),
            ),
            after=60,
            cause=Cause.FAILED,
            step="visible",
            sentence=f"{_WORKED}, but the evidence says no to “People see the results”.",
        ),
    ),
)

_QUEUED = (
    told(0, "start", expected={"state": "shipped"}, host="worker-3", deploy_sha="9f2c51e"),
    state(1, "queue_empty", waiting=0),
    told(1.1, "close"),
)
_THIRD = "third_party_status"
_REFUSED = {"ids": {"external": "sh_1"}, "summary": "422 address incomplete"}
DRIFT = Scene(
    begins_at=instant("2026-03-02 10:00"),
    kept=(
        *_QUEUED,
        told(1.2, _THIRD, ids={"external": "sh_1"}, payload={"status": 200, "state": "shipped"}),
        state(5, "local_reconciliation", differences=0),
        state(6, "customer_facing_state", state="shipped"),
    ),
    proven_after=6,
    quiet=(
        Quiet(
            told=(
                *_QUEUED,
                told(1.2, _THIRD, payload={"status": 422, "state": "packed"}, **_REFUSED),
            ),
            after=10,
            cause=Cause.FAILED,
            step=_THIRD,
            sentence="the queue is empty and the worker said success, "
            "but the evidence says no to “The third party took the update”: "
            "422 address incomplete.",
        ),
    ),
)

_DUMPED = (
    told(0, "start"),
    state(0.1, "dump_exited", exit=0),
    state(0.2, "file_exists", bytes=5_000),
    state(0.3, "encrypted", bytes=5_100),
    state(0.4, "upload", sha256="a1"),
)
DRILL = Scene(
    begins_at=instant("2026-03-02 04:00"),
    kept=(
        *_DUMPED,
        state(0.5, "decrypt_check", header="PGDMP"),
        state(0.6, "restore_check", rows=12),
        state(0.7, "freshness_proof", newest="2026-03-02T09:59:00Z"),
        told(0.8, "close"),
    ),
    proven_after=0.7,
    quiet=(
        Quiet(
            told=(*_DUMPED, told(0.5, "decrypt_check_failed"), told(0.6, "close")),
            after=120,
            cause=Cause.UNPROVEN,
            step="decrypt_check",
            sentence="pg_dump exited 0, the archive exists, encryption exited 0 and "
            "the job said success, but “Archive opened with the key in the safe” was not proven; "
            "due 06:00 UTC.",
        ),
    ),
)

_SCRIPT = (told(0, "start"), told(5, "close"))
SCRIPT = Scene(
    begins_at=instant("2026-03-02 03:00"),
    kept=(told(0, "start"), state(4, "script_result", processed=120, failed=0), told(5, "close")),
    proven_after=4,
    quiet=(
        Quiet(
            told=_SCRIPT,
            after=60,
            cause=Cause.UNPROVEN,
            step="result",
            sentence="cron fired and the script exited 0, "
            "but “The script did what it is for” was not proven; due 04:00 UTC.",
        ),
        Quiet(
            told=(*_SCRIPT, state(4, "script_result", processed=0, failed=0)),
            after=60,
            cause=Cause.UNPROVEN,
            step="result",
            sentence="cron fired and the script exited 0, "
            "but “The script did what it is for” was not proven; due 04:00 UTC.",
        ),
    ),
)

FRESHNESS = Scene(
    begins_at=instant("2026-03-02 10:00"),
    kept=(content(0, "ping", age=2), told(1, "pipeline_finished")),
    proven_after=0,
    quiet=(
        Quiet(
            told=(content(0, "ping", age=90), told(1, "pipeline_finished")),
            after=2,
            cause=Cause.STALE,
            step="",
            sentence="the content is as of 08:30 UTC, older than it may be",
        ),
    ),
)

_BUILT = (
    told(0, "start", expected={"version": "9f2c51e"}),
    attested(9, "workflow_job.completed", "github"),
    told(9.5, "close"),
)
_CONCLUDED = attested(
    10,
    "workflow_run.completed",
    "github",
    payload={"workflow_run": {"conclusion": "success"}},
)
GITHUB = Scene(
    begins_at=instant("2026-03-02 04:00"),
    kept=(*_BUILT, _CONCLUDED, state(11, "outcome_visible", version="9f2c51e")),
    proven_after=11,
    quiet=(
        Quiet(
            told=(*_BUILT, _CONCLUDED),
            after=60,
            cause=Cause.UNPROVEN,
            step="outcome",
            sentence="the job has ended and the workflow said success, "
            "but “The outcome is visible” was not proven; due 05:00 UTC.",
        ),
    ),
)

SCENES = {
    "billing-access": BILLING,
    "scheduled-report": REPORT,
    "visible-batch": BATCH,
    "state-drift": DRIFT,
    "restore-drill": DRILL,
    "scheduled-scripts": SCRIPT,
    "data-freshness": FRESHNESS,
    "github-actions": GITHUB,
}
