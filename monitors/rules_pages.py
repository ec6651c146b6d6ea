"""Pages of a monitor's rules: the versions, one of them, two side by side, and the editor of their text."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from luota.lib.http import render_fragment
from luota.lib.pages import number_in, split_page, text_of
from monitors import operations, queries
from monitors.conditions.document import SpecInvalid, parse_spec
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from monitors.queries import get_monitor, get_version
from monitors.rules_text import Fault, RulesText, read_rules, use_rules, write_rules
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action

_AROUND = 3
"""Lines shown before and after the one that matters."""


class Line(NamedTuple):
    """One line of a text as a page shows it; `sign` tells what colour tells."""

    sign: str
    """`+` added, `-` taken away, `▶` meant, ` ` as it is, `…` left out."""
    text: str
    number: int | None = None


@require_GET
@page_for(Action.SEE)
def rules(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    found = queries.versions_of(monitor.pk, before=number_in(request, "before"))
    versions, has_more = split_page(found, queries.PAGE_SIZE)
    context = {"versions": versions, "has_more": has_more}
    return render(request, "monitors/rules.html", _of_rules(monitor, **context))


@require_GET
@page_for(Action.SEE)
def version(request: MemberRequest, monitor_id: UUID, number: int) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    spec = get_version(monitor.pk, number)
    return render(request, "monitors/rules_version.html", _of_rules(monitor, spec=spec))


@require_GET
@page_for(Action.SEE)
def compare(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """`?from=2&to=3`; without them, what the newest version changed."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    to = number_in(request, "to") or monitor.version or 1
    old = get_version(monitor.pk, number_in(request, "from") or max(1, to - 1))
    new = get_version(monitor.pk, to)
    lines = difference(write_rules(old.document), write_rules(new.document))
    context = {
        "old": old,
        "new": new,
        "lines": lines,
        "added": sum(line.sign == "+" for line in lines),
        "removed": sum(line.sign == "-" for line in lines),
    }
    return render(request, "monitors/rules_compare.html", _of_rules(monitor, **context))


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def edit(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """`?step=receipt&line=2` shows a line of that step's condition; `?from=2` begins with an old version."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    if request.method == "POST":
        return _save(request, monitor)
    number = number_in(request, "from")
    base = get_version(monitor.pk, number) if number else monitor.spec
    text = write_rules(base.document if base else {})
    line = _asked_line(request, read_rules(text))
    return show_editor(request, monitor, text, line=line)


def _save(request: MemberRequest, monitor: Monitor) -> HttpResponse:
    text = text_written(request)
    in_force = monitor.version
    if monitor.is_outrun(text_of(request.POST, "version")):
        said = f"Somebody saved version {in_force} while you were writing."
        return show_editor(request, monitor, text, said=said, status=409)
    saved = use_rules(text, lambda rules: _save_rules(request, monitor, rules))
    if isinstance(saved, Fault):
        return show_editor(request, monitor, text, fault=saved, status=422)
    _tell(request, in_force, saved.version)
    return redirect("monitor_rules", monitor.workspace_id, monitor.pk)


def _save_rules(request: MemberRequest, monitor: Monitor, rules: Any) -> Monitor:
    draft = replace(operations.draft_of(monitor), rules=rules)
    return operations.update_monitor(
        monitor=monitor, draft=draft, actor=actor_of(request), now=request.now
    )


def text_written(request: MemberRequest) -> str:
    """Nothing is stripped from it: its lines are counted, and its first blanks mean something."""
    return request.POST.get("text", "").replace("\r\n", "\n")


def _tell(request: MemberRequest, before: int, after: int) -> None:
    if before == after:
        messages.info(request, f"These rules mean the same as version {before}: nothing changed.")
    else:
        messages.success(request, f"Version {after} is in force.")


def show_editor(
    request: MemberRequest,
    monitor: Monitor,
    text: str,
    *,
    status: int = 200,
    line: int | None = None,
    **said: Any,
) -> HttpResponse:
    """`said` is what the page tells above the text: a fault, a trial, or why it was not saved."""
    fault: Fault | None = said.get("fault")
    marked = fault.line if fault else line
    context = {
        **said,
        "text": text,
        "rows": min(max(text.count("\n") + 3, 16), 40),
        "line": marked,
        "around": around(text, marked) if marked else [],
        "kinds": _kinds_of(monitor),
    }
    told = _of_rules(monitor, **context)
    return render_fragment(
        request, "monitors/rules_edit.html", "monitors/_rules_edit.html", told, status=status
    )


def _of_rules(monitor: Monitor, **context: object) -> dict[str, object]:
    return {"section": "monitors", "tab": "rules", "monitor": monitor, **context}


def _kinds_of(monitor: Monitor) -> list[str]:
    """The evidence kinds that its conditions may name, as they name them."""
    try:
        spec = parse_spec(Mode(monitor.mode), monitor.spec.document if monitor.spec else {})
    except SpecInvalid:  # rules of a former time: the editor is where they are mended
        return []
    return [kind.replace(".", "_") for kind in spec.kinds]


def _asked_line(request: MemberRequest, read: RulesText) -> int | None:
    """Where the condition of a step stands, or the step when it has none; None for a step that is not there."""
    steps: Any = read.document.get("steps", [])
    names = [each.get("name") for each in steps]
    name = request.GET.get("step", "")
    if not name or name not in names:
        return None
    path = f"steps[{names.index(name)}]"
    if "check" not in steps[names.index(name)]:
        return read.line_of(path)
    return read.line_in(f"{path}.check", number_in(request, "line") or 1)


def around(text: str, marked: int) -> list[Line]:
    """The line that matters, with its neighbours."""
    lines = text.split("\n")
    first = max(0, marked - 1 - _AROUND)
    return [
        Line("▶" if number == marked else " ", line, number)
        for number, line in enumerate(lines[first : marked + _AROUND], start=first + 1)
    ]


def difference(old: str, new: str) -> list[Line]:
    """What has to be taken from and added to the old text, with the lines around it; empty for the same text."""
    before, after = old.splitlines(), new.splitlines()
    groups = SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_AROUND)
    found: list[Line] = []
    end = 0
    for group in groups:
        if group[0][1] > end:
            found.append(Line("…", ""))
        found += [line for block in group for line in _block(block, before, after)]
        end = group[-1][2]
    if found and end < len(before):
        found.append(Line("…", ""))
    return found


def _block(
    block: tuple[str, int, int, int, int], before: Sequence[str], after: Sequence[str]
) -> list[Line]:
    tag, old_from, old_to, new_from, new_to = block
    if tag == "equal":
        return [Line(" ", line) for line in before[old_from:old_to]]
    gone = [Line("-", line) for line in before[old_from:old_to]]
    return [*gone, *(Line("+", line) for line in after[new_from:new_to])]
