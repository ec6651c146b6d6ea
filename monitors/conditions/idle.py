"""Nothing to do, again: how often, and for how long, before that is a break."""

from datetime import datetime
from typing import NamedTuple

from monitors.conditions.rules import Idle
from monitors.conditions.values import EarlierRuns, Reason


class Excess(NamedTuple):
    """Which bound was passed, with the values of its sentence."""

    reason: Reason
    values: tuple[tuple[str, str], ...]


def find_excess(rule: Idle, earlier: EarlierRuns, at: datetime) -> Excess | None:
    """None while the runs before allow this one to have nothing to do, too; bounds themselves are allowed."""
    times = earlier.idle + 1
    if rule.at_most is not None and times > rule.at_most:
        values = (("times", str(times)), ("most", str(rule.at_most)))
        return Excess(Reason.NOTHING_TOO_OFTEN, values)
    longest = rule.no_longer_than
    if longest and earlier.since and at - earlier.since > longest:
        lasted = (at - earlier.since).total_seconds()
        values = (("seconds", f"{lasted:g}"), ("most_seconds", f"{longest.total_seconds():g}"))
        return Excess(Reason.NOTHING_TOO_LONG, values)
    return None
