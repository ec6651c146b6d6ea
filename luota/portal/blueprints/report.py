"""Plans in words for a terminal: what is made, what changes field by field, how the rules differ."""

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import unified_diff
from typing import Any

from luota.lib.yaml_text import write_document
from luota.portal.blueprints.plans import Plan, Verb

_SIGNS = {Verb.CREATE: "+", Verb.UPDATE: "~", Verb.KEEP: "="}


def report(plans: Sequence[Plan], *, is_done: bool) -> str:
    """Every monitor with what happens or happened to it, and the sum."""
    lines = [line for each in plans for line in _told(each)]
    return "\n".join([*lines, sum_of(plans, is_done=is_done)])


def sum_of(plans: Sequence[Plan], *, is_done: bool) -> str:
    """ "1 to create, 2 to update, 5 unchanged.", or "1 created, …"."""
    counts = Counter(each.verb for each in plans)
    create, update = ("created", "updated") if is_done else ("to create", "to update")
    return (
        f"{counts[Verb.CREATE]} {create}, {counts[Verb.UPDATE]} {update}, "
        f"{counts[Verb.KEEP]} unchanged."
    )


def _told(plan: Plan) -> Iterable[str]:
    wanted = plan.entry.blueprint.written()
    yield f"{_SIGNS[plan.verb]} {wanted['name']} ({plan.verb})"
    if plan.verb is Verb.CREATE:
        yield from (f"    {line}".rstrip() for line in write_document(wanted).splitlines())
    elif plan.before:
        yield from _changes(plan.before.written(), wanted, plan)


def _changes(before: dict[str, Any], wanted: dict[str, Any], plan: Plan) -> Iterable[str]:
    for name in sorted(plan.changed - {"spec"}):
        yield f"    {name}: {_said(before.get(name))} -> {_said(wanted.get(name))}"
    if "spec" in plan.changed:
        number = plan.monitor.spec.number if plan.monitor and plan.monitor.spec else 0
        old, new = _lines(before.get("spec")), _lines(wanted.get("spec"))
        names = f"spec, version {number}", plan.entry.source
        yield from (f"    {line}" for line in unified_diff(old, new, *names, lineterm=""))


def _said(value: Any) -> str:
    return "(default)" if value is None else write_document(value).removesuffix("\n...\n").strip()


def _lines(spec: object) -> list[str]:
    return write_document(spec).splitlines() if spec else []
