"""From the name of a way of looking to the module that looks so."""

from collections.abc import Mapping
from typing import Any

from evidence.probes import http, objects, sql
from evidence.probes.contract import Look, Seen, Way
from evidence.probes.finding import names_run


def check(way: Way, target: Mapping[str, Any]) -> None:
    """Can a probe look there? SpecInvalid names the field of the target that is wrong."""
    match way:
        case Way.HTTP:
            http.read(target)
        case Way.SQL:
            sql.read(target)
        case Way.OBJECT:
            objects.read(target)


def look(way: Way, asked: Look) -> Seen:
    """CannotLook."""
    match way:
        case Way.HTTP:
            return http.look(asked)
        case Way.SQL:
            return sql.look(asked)
        case Way.OBJECT:
            return objects.look(asked)


def is_about_runs(target: Mapping[str, Any]) -> bool:
    """Does the target name the run, so that each run is looked at by itself?"""
    return any(names_run(text) for text in target.values() if isinstance(text, str))


def tells_age(way: Way, target: Mapping[str, Any]) -> bool:
    """Does a look say how recent the content is?"""
    return way is Way.OBJECT or bool(target.get("fresh"))
