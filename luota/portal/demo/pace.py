"""The rules of a blueprint at the pace of somebody who watches: in the demo, and in the stories."""

from collections.abc import Mapping
from typing import Any

_SOON, _STAYS = "1m", "20s"
_AT_LEISURE = frozenset(
    {"schedules", "start_within", "grace", "warn_after", "min_duration", "max_duration", "by"}
)


def hurried(
    rules: Mapping[str, Any], *, within: str = _SOON, stays: str = _STAYS
) -> dict[str, Any]:
    """The same promise for somebody who does not wait: every run is due `within` its opening.

    What must not happen is watched for as long as `stays`. Nothing else of the rules is another.
    """
    kept = {name: value for name, value in rules.items() if name not in _AT_LEISURE}
    return kept | {
        "within": within,
        "steps": [_hurried_step(step, stays) for step in rules.get("steps", [])],
    }


def _hurried_step(step: Mapping[str, Any], stays: str) -> dict[str, Any]:
    kept = {
        name: value for name, value in step.items() if name not in _AT_LEISURE and name != "within"
    }
    return kept | ({"within": stays} if step.get("absent") else {})
