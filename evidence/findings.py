"""What a receiver or a probe found, before it is placed: the words that evidence.matching turns into signals."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One fact from outside the API that does not know its run yet."""

    kind: str
    """Such as "invoice.payment_failed", "email.delivered", "workflow_run.completed"."""
    ids: dict[str, str] = field(default_factory=dict)
    """{"invoice": "in_1", "customer": "cus_1"}."""
    occurred_at: datetime | None = None
    subject: str = ""
    payload: Any = None
    """A JSON value; redacted later by signals.clean."""
    summary: str = ""
    """One line for people."""
    rule: str = ""
    """Which rule of the vendor's table turned the request into this."""
    event_id: str = ""
    """The idempotency key: the sender's delivery id, with the item's id for arrays."""
    counts_once: bool = False
    """Its event id is a token that is spent: it counts once, not once in each monitor."""
    environment: str = ""
    deploy_sha: str = ""
    fresh_as_of: datetime | None = None
    run: str = ""
    """An explicit key of the run, when the sender carries one."""
