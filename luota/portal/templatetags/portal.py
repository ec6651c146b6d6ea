"""How pages show an instant, a duration, a state and an age; the templates of all apps load it."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from evidence.models import Evidence
from evidence.pictures import role_of, roles_in
from incidents import sentences
from incidents.lifecycle import TRANSITIONS, Trigger
from incidents.lifecycle import State as IncidentState
from incidents.lookout_words import OBSTACLES
from incidents.models import Incident, Transition
from luota.lib.ids import instant_of
from luota.portal.glyphs import CLOSINGS, GLYPHS, UNKNOWN_WORDS, WORDS, unknown_because
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import Reason, Verdict
from monitors.conditions.values import State as RunState
from monitors.models import Run, Severity
from monitors.rules_text import write_rules

register = template.Library()

_BACK_DATED = timedelta(minutes=1)
_FAULT_LINE = re.compile(r"line (\d+),")
_MEMBER = re.compile(r"[a-z0-9_.]+\[(?!\d+ more\])(.+)\]", re.DOTALL)
_ABSENT = {"holding": "has not happened", "met": "did not happen", "violated": "happened"}
_FEW = 3
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@register.filter
def instant(value: object) -> datetime | None:
    """Of a datetime or of the ISO text that a quote holds."""
    if isinstance(value, datetime) or not value:
        return value or None  # type: ignore[return-value]
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@register.filter
def minted_at(evidence_id: UUID) -> datetime:
    """When a piece of evidence was received: its id is minted by our clock."""
    return instant_of(evidence_id)


@register.filter
def is_back_dated(at: datetime, evidence_id: UUID) -> bool:
    """Whether the sender dates it so far back that both instants are worth telling."""
    return instant_of(evidence_id) - at > _BACK_DATED


@register.filter
def duration(value: timedelta | None) -> str:
    """The two largest units: `1 h 30 min`; tenths below ten seconds."""
    if value is None:
        return ""
    seconds = abs(value.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    return _largest(int(seconds), 2)


@register.filter
def seconds_long(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))


def _largest(seconds: int, parts: int) -> str:
    found = []
    for size, name in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count} {name}")
        elif found:
            break
    return " ".join(found[:parts]) or "0 s"


def age_in_words(at: datetime, now: datetime) -> str:
    """`42 min`, one unit only: exactness is in the title."""
    return _largest(int(abs((now - at).total_seconds())), 1)


@register.simple_tag(takes_context=True)
def ago(context: template.Context, value: object) -> SafeString | str:
    """A `<time>` that reads `42 min ago` or `in 5 min`; scripts keep it current."""
    return _time(context, value, "ago", "{} ago", "in {}")


@register.simple_tag(takes_context=True)
def since(context: template.Context, value: object) -> SafeString | str:
    """A `<time>` that reads `42 min`: how long something lasts."""
    return _time(context, value, "since", "{}", "{}")


@register.simple_tag
def clock_time(value: object) -> SafeString | str:
    """A `<time>` that reads `23 Nov, 04:05:12`."""
    at = instant(value)
    if at is None:
        return ""
    shown = f"{at.astimezone(UTC):%-d %b, %H:%M:%S}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact(at), shown)


def _time(
    context: template.Context, value: object, style: str, past: str, ahead: str
) -> SafeString | str:
    at = instant(value)
    if at is None:
        return ""
    now: datetime = context["request"].now
    words = (past if at <= now else ahead).format(age_in_words(at, now))
    return format_html(
        '<time datetime="{}" title="{}" data-style="{}">{}</time>',
        at.isoformat(),
        exact(at),
        style,
        words,
    )


@register.filter
def exact(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.simple_tag
def mark(state: str, label: str = "") -> SafeString:
    """The glyph of a state or verdict: a shape and a colour, and its word for who sees neither."""
    word = label or WORDS.get(state, state)
    return format_html(
        '<svg class="mark is-{}" viewBox="0 0 16 16" width="16" height="16" role="img">'
        "<title>{}</title>{}</svg>",
        state.replace("_", "-"),
        word,
        mark_safe(GLYPHS.get(state, GLYPHS["unknown"])),  # noqa: S308 -- our own constants
    )


@register.filter
def obstacle(code: str) -> str:
    """What keeps a probe from looking, in words."""
    return OBSTACLES.get(code, code)


@register.filter
def word(state: str) -> str:
    """A state as people say it."""
    return WORDS.get(state, str(state).replace("_", " "))


@register.filter
def state_words(run: Run) -> str:
    """A run's state as people say it; nobody else's fault is a blindness of ours."""
    if run.state == RunState.PROVEN and run.reason == Reason.NOTHING_TO_DO:
        return "proven, nothing to do"
    is_unknown = run.state == RunState.UNKNOWN
    return UNKNOWN_WORDS.get(str(run.reason), "unknown") if is_unknown else word(run.state)


register.filter(unknown_because)


@register.filter
def few(paths: Sequence[str]) -> str:
    """The first three of what is missing: a batch names twenty."""
    more = len(paths) - _FEW
    return ", ".join(paths[:_FEW]) + (f" and {more} more" if more > 0 else "")


@register.filter
def with_code(sentence: str) -> SafeString:
    """What stands in backticks, as code."""
    parts = str(sentence).split("`")
    if len(parts) % 2 == 0:
        return format_html("{}", sentence)
    return format_html_join("", "{}", ((_code(place, part),) for place, part in enumerate(parts)))


def _code(place: int, part: str) -> str:
    return format_html("<code>{}</code>", part) if place % 2 else part


@register.filter
def item(mapping: Mapping[Any, Any], key: object) -> Any:
    return mapping.get(key) if mapping else None


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The present address's query string with some parameters changed; empty ones fall away."""
    given = {**context["request"].GET.dict(), **changes}
    kept = {name: value for name, value in given.items() if value not in (None, "")}
    return "?" + urlencode(kept)


@register.simple_tag(takes_context=True)
def headline(context: template.Context, incident: Incident) -> str:
    """The one sentence of a file."""
    return sentences.headline(incident, now=context["request"].now)


@register.filter
def mark_of(incident: Incident) -> str:
    """Of a file: broken, seen by somebody, or over."""
    if incident.state == IncidentState.RESOLVED.value:
        return "resolved"
    return {"missed": "overdue", "stale": "overdue", "stuck": "overdue"}.get(
        incident.cause, "failed"
    )


@register.filter
def can_be_acknowledged(incident: Incident) -> bool:
    return (IncidentState(incident.state), Trigger.ACKNOWLEDGED) in TRANSITIONS


@register.filter
def closing(resolution: str) -> str:
    return CLOSINGS.get(resolution, resolution)


@register.filter
def severity(value: int) -> str:
    return Severity(value).label.lower()


@register.filter
def lasted(incident: Incident) -> timedelta | None:
    return incident.resolved_at - incident.opened_at if incident.resolved_at else None


@register.filter
def standing_of(run_state: str | None, mode: str) -> str:
    """The mark of a monitor without an open file; the beat that came is a heartbeat's proof and has no run."""
    return "proven" if mode == Mode.HEARTBEAT else run_state or "waiting"


@register.filter
def verdict_at(step: Mapping[str, Any], now: datetime) -> str:
    """The verdict as it is to be drawn: what is not there yet is no failure before it is due."""
    if step.get("excused"):
        return "dark"
    due_at = instant(step.get("due_at"))
    is_early = step.get("verdict") == Verdict.NOT_YET and due_at is not None and now < due_at
    return Verdict.HOLDING.value if is_early else str(step.get("verdict", ""))


@register.filter
def mark_label(step: Mapping[str, Any], now: datetime) -> str:
    """What a step's small mark says: its claim and its verdict, as it is drawn."""
    return f"{step.get('claim') or step.get('step')}: {verdict_words(step, now)}"


@register.filter
def verdict_words(step: Mapping[str, Any], now: datetime) -> str:
    """A step's verdict as people say it: a green mark on what must not happen would be read the wrong way."""
    verdict = verdict_at(step, now)
    if step.get("excused"):
        return "not needed"
    if verdict == Verdict.BROKEN:
        return "cannot be judged"
    if step.get("absent"):
        return _ABSENT.get(verdict, word(verdict))
    is_true = verdict == Verdict.HOLDING and step.get("verdict") == Verdict.HOLDING
    return "true so far" if is_true else word(verdict)


@register.filter
def fault_line(step: Mapping[str, Any]) -> str:
    """The line of the condition that cannot be judged: `2` of "line 2, column 5: …"."""
    found = _FAULT_LINE.match(str(step.get("fault") or ""))
    return found[1] if found else ""


@register.filter
def members_missing(step: Mapping[str, Any]) -> list[str]:
    """The members of a batch that a step names: `cus_17` of `result[cus_17]`; empty for any other step."""
    if step.get("wanted") is None:
        return []
    found = [_MEMBER.fullmatch(str(path)) for path in step.get("missing") or []]
    return [each[1] for each in found if each]


@register.filter
def members_left(step: Mapping[str, Any]) -> int:
    """How many did not meet the step, and are not named."""
    return max(0, int(step["wanted"]) - int(step["met"]) - len(members_missing(step)))


@register.filter
def strength(value: object) -> str:
    """Of a number or a name: who vouches."""
    if isinstance(value, int):
        return Strength(value).name.lower()
    return str(value or "")


@register.filter
def who(entry: Transition) -> str:
    """Who wrote this line of a timeline; empty when Luota itself did."""
    return str(entry.actor or entry.values.get("by") or "")


@register.filter
def run_name(run: Run) -> str:
    """The entity and the occurrence, each if it says something of its own; a slot by its instant."""
    if run.expected_at and not run.key:
        return exact(run.expected_at)
    names = dict.fromkeys(name for name in (run.key, run.occurrence) if name)
    return " · ".join(names) or "all content"


@register.filter
def role_in(evidence: Evidence, run: Run) -> str:
    """The mark of a piece of evidence: whether it met a step, looked healthy, failed or was only said."""
    return role_of(evidence, roles_in(run))


@register.filter
def pretty(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def as_yaml(document: Mapping[str, object]) -> str:
    """A spec's document as its editor shows it."""
    return write_rules(document)
