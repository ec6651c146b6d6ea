"""Lists pulled from servers of the test's own on the loopback address."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from evidence.probes.contract import Look, Permits
from evidence.pulls.contract import Asked, PullWay, Spool
from evidence.pulls.ways import pull
from tests.factories.looking import LOOPBACK

AT = datetime(2026, 3, 2, 6, tzinfo=UTC)


def pulled(
    way: PullWay,
    target: dict[str, Any],
    *,
    permits: Permits = LOOPBACK,
    secret: str = "",
    opens_from: datetime | None = AT - timedelta(days=1),
) -> list[str]:
    look = Look(target=target, permits=permits, now=AT, secret=secret)
    with closing(Spool()) as spool:
        pull(way, Asked(look=look, at=AT, opens_from=opens_from, opens_until=AT), spool)
        return list(spool.keys())
