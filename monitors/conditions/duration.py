"""Durations as documents write them: `90s`, `15m`, `1h30m`, `2d`; a plain integer is seconds."""

import re
from datetime import timedelta

_WRITTEN = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_LONGEST_SECONDS = 10**9


def parse_duration(value: object) -> timedelta | None:
    """The duration, or None when the value does not say one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value) if abs(value) <= _LONGEST_SECONDS else None
    if not isinstance(value, str) or not (match := _WRITTEN.fullmatch(value.strip())):
        return None
    if not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The one way to write a duration of whole seconds: largest unit first, no zeros."""
    hours, seconds = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = ((duration.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
