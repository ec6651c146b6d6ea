"""Spans, instants and values as people say them; read back from a quote, where they are text."""

import json
from datetime import datetime, timedelta
from typing import Any

LONGEST_VALUE = 80


def shown(value: Any) -> str:
    """A value as JSON, a long one cut; instants as they are written."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def length(span: timedelta) -> str:
    """A duration as people say it, to two units: "0.01 s", "42 min", "2 h 05 min", "3 d 4 h"."""
    if span < timedelta(seconds=10):
        return f"{max(0.0, round(span.total_seconds(), 2)):g} s"
    seconds = max(0, round(span.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def instant(at: datetime, *, beside: datetime | None = None) -> str:
    """A time of day, with its date unless that is the date of `beside`."""
    is_same_day = beside is not None and beside.date() == at.date()
    return f"{at:%H:%M} UTC" if is_same_day else f"{at:%-d %b %Y %H:%M} UTC"


def when(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def span_of(value: object) -> timedelta | None:
    return timedelta(seconds=float(str(value))) if value not in {None, ""} else None
