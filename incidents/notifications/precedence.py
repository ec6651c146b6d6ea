"""Judging comes before telling: while a crowd is being judged, senders take small bites.

Both want the same processors. Without this, ten thousand files that open at once are filed at the pace
at which the first of them are told, and the last owner learns of his only when it is filed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_LOCK = 0x4C55_0004
"""Advisory: held by the evaluator's session while batches are full; a dead session frees it."""


class Crowd:
    """The evaluator's word that there is more to judge than fits into a batch."""

    def __init__(self) -> None:
        self._is_told = False

    def tell(self, *, is_here: bool) -> None:
        """Say so; saying it again costs nothing."""
        if is_here == self._is_told:
            return
        call = "pg_advisory_lock" if is_here else "pg_advisory_unlock"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {call}(%s)", [_LOCK])
        self._is_told = is_here


@contextmanager
def watch_for_crowds() -> Iterator[Crowd]:
    """No word outlives the tick that gave it."""
    crowd = Crowd()
    try:
        yield crowd
    finally:
        crowd.tell(is_here=False)


def is_crowded() -> bool:
    """Is a crowd being judged? Asked outside of a transaction, so that the lock is let go at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_try_advisory_xact_lock_shared(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
