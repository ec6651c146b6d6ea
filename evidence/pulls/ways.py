"""From the name of a way of pulling to the module that pulls so."""

from collections.abc import Mapping
from typing import Any

from evidence.pulls import http, sql
from evidence.pulls.contract import PLACEHOLDER, Asked, PullWay, Spool


def check(way: PullWay, target: Mapping[str, Any]) -> None:
    """Can a list be pulled there? SpecInvalid names the field of the target that is wrong."""
    match way:
        case PullWay.HTTP:
            http.read(target)
        case PullWay.SQL:
            sql.read(target)


def pull(way: PullWay, asked: Asked, spool: Spool) -> None:
    """CannotLook."""
    match way:
        case PullWay.HTTP:
            http.pull(asked, spool)
        case PullWay.SQL:
            sql.pull(asked, spool)


def names_from(target: Mapping[str, Any]) -> bool:
    """Does it need to know when the period begins?"""
    texts = (text for text in target.values() if isinstance(text, str))
    return any("from" in PLACEHOLDER.findall(text) for text in texts)
