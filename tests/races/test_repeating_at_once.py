"""One delivery repeated by several at the same moment: one line, and none of them is forgotten."""

from functools import partial

import pytest

from evidence import refusals
from evidence.receiver_models import RefusedDelivery
from evidence.receivers.contract import Cause
from evidence.refusals import Refusal
from luota.lib import clock
from luota.lib.ids import uuid7
from tests.factories import ReceiverFactory
from tests.races.test_intake_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS, AT_ONCE = 12, 6


def test_each_repetition_is_counted() -> None:
    """Fails when the one that loses against the first line leaves it at that."""
    receiver = ReceiverFactory()
    refusal = Refusal(
        receiver_id=receiver.pk, workspace_id=receiver.workspace_id, cause=Cause.REPEATED.value,
        detail="Taken before.", raw=b"{}", size=2, request_id=None,
    )  # fmt: skip
    for _ in range(ROUNDS):
        note = partial(refusals.note_repeat, refusal, repeats_id=uuid7(), now=clock.now())
        at_once(*[note] * AT_ONCE)

    times = RefusedDelivery.objects.values_list("times", flat=True)
    assert list(times) == [AT_ONCE] * ROUNDS
