"""The instant at which the tests' deliveries come, and how a refusal is expected."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from evidence.receivers.contract import Refused

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())


@contextmanager
def refused(cause, said=""):
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.cause == cause
    assert said in caught.value.detail
    assert caught.value.detail.endswith((".", "?"))
