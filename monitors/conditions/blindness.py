"""What silence is worth while Luota itself could not see: the clock of a deadline stands still."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitors.conditions.values import Window


def is_blind(windows: Iterable[Window], starts_at: datetime, ends_at: datetime) -> bool:
    """Whether any window overlaps a half-open stretch of time."""
    return any(
        window.starts_at < ends_at and (window.ends_at is None or window.ends_at > starts_at)
        for window in windows
    )


def is_blind_still(windows: Iterable[Window], before: datetime) -> bool:
    """Whether a window that began before an instant still lasts."""
    return any(window.ends_at is None and window.starts_at < before for window in windows)


def stretched(windows: Sequence[Window], anchor: datetime, deadline: datetime) -> datetime | None:
    """The deadline when blind time after the anchor does not count; None while a window lasts.

    A longer wait may meet more windows, so they are taken oldest first; overlaps count once.
    """
    if not windows:
        return deadline
    seen_until = anchor
    for window in sorted(windows, key=_start):
        if window.starts_at >= deadline:
            break
        if window.ends_at is None:
            return None
        if window.ends_at > seen_until:
            deadline += window.ends_at - max(window.starts_at, seen_until)
            seen_until = window.ends_at
    return deadline


def restarted(windows: Sequence[Window], anchor: datetime, patience: timedelta) -> datetime | None:
    """The anchor of a clock that starts anew when we see again; None while a window still lasts."""
    for window in sorted(windows, key=_start):
        if window.starts_at >= anchor + patience:
            break
        if window.ends_at is None:
            return None
        anchor = max(anchor, window.ends_at)
    return anchor


def moved(windows: Sequence[Window], anchor: datetime, deadline: datetime) -> datetime | None:
    """The deadline of what a probe tells; None while it cannot look.

    It tells a state, which it can look at again: time in which it was blind counts only when the
    deadline lies in it. Then what was left of the wait begins again when it sees.
    """
    seen_until = anchor
    for window in sorted(windows, key=_start):
        if window.starts_at < deadline and (window.ends_at is None or window.ends_at > deadline):
            if window.ends_at is None:
                return None
            deadline += window.ends_at - max(window.starts_at, seen_until)
            seen_until = window.ends_at
    return deadline


def covers(windows: Iterable[Window], at: datetime) -> bool:
    """Whether a deadline at this instant fell into one: what comes at it is late, so its end is not in it."""
    return any(w.starts_at < at and (w.ends_at is None or w.ends_at > at) for w in windows)


def _start(window: Window) -> datetime:
    return window.starts_at
