"""What differs between two documents of rules, field by field, for programs; pages compare their texts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_NAMED = {"steps": "name", "comforts": "name", "links": "kind"}
"""Lists whose entries are found again by this field, wherever they stand."""


class Change(NamedTuple):
    """One field that means something else; None where it is not there."""

    path: str
    """Such as `steps[receipt].check`: entries by their names."""
    old: Any
    new: Any


def changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[Change]:
    """In the order of the old document, then what only the new one has."""
    for name in dict.fromkeys((*old, *new)):
        inner = f"{path}.{name}" if path else name
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name in _NAMED and not path:
            yield from _of_entries(before or [], after or [], name)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from changes(before, after, inner)
        else:
            yield Change(inner, before, after)


def _of_entries(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], path: str
) -> Iterator[Change]:
    key = _NAMED[path]
    before, after = {each[key]: each for each in old}, {each[key]: each for each in new}
    if len(before) < len(old) or len(after) < len(new):  # a kind may have several links
        yield Change(path, list(old), list(new))
        return
    for name in dict.fromkeys((*before, *after)):
        inner = f"{path}[{name}]"
        if name in before and name in after:
            yield from changes(before[name], after[name], inner)
        else:
            yield Change(inner, before.get(name), after.get(name))
    kept = [name for name in before if name in after], [name for name in after if name in before]
    if kept[0] != kept[1]:
        yield Change(path, *kept)
