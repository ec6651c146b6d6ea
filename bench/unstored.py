"""The product's web application with one thing replaced: nothing is stored. What the door itself costs."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
django.setup()

from evidence.api import views  # noqa: E402
from evidence.signals import Fate, Receipt, Signal  # noqa: E402
from luota.lib.ids import uuid7  # noqa: E402
from luota.wsgi import application  # noqa: E402

__all__ = ["application"]


def receipts_only(signals: list[Signal]) -> list[Receipt]:
    return [Receipt(fate=Fate.STORED, evidence_id=uuid7(), state="proven") for _ in signals]


views.submit = receipts_only  # type: ignore[assignment]
