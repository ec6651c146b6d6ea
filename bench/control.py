"""The control: the product's view and shapes, but each request stores by itself, as Django is written by the book.

`Evidence.objects.create()` in `atomic()`, connections kept. No lock, no monitor row, no idempotency key:
less work than ours.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
django.setup()

from django.db import transaction  # noqa: E402

from evidence.api import views  # noqa: E402
from evidence.models import Evidence  # noqa: E402
from evidence.signals import Fate, Receipt, Signal  # noqa: E402
from luota.lib import clock  # noqa: E402
from luota.wsgi import application  # noqa: E402

__all__ = ["application"]


def create_each(signals: list[Signal]) -> list[Receipt]:
    with transaction.atomic():
        return [Receipt(fate=Fate.STORED, evidence_id=_create(signal).pk) for signal in signals]


def _create(signal: Signal) -> Evidence:
    now, sender = clock.now(), signal.sender
    return Evidence.objects.create(
        workspace_id=sender.workspace_id,
        monitor_id=signal.monitor_id,
        token_id=sender.token_id,
        source=sender.source,
        kind=signal.kind,
        outcome=signal.outcome.value,
        strength=int(sender.strength),
        occurred_at=signal.occurred_at or now,
        received_at=now,
        digest=signal.digest,
        request_id=sender.request_id,
    )


views.submit = create_each  # type: ignore[assignment]
