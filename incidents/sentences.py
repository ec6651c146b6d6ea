"""Codes and values turned into sentences, for mails, webhooks and pages alike. Nothing is loaded.

The sentence of a file is made of what the file quotes (Incident.quote), so it outlives retention.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents.lifecycle import State
from incidents.lookout_words import lookout_named, not_broken, why_it_cannot
from incidents.models import Incident, NoticeType, Transition
from incidents.payloads import unproven_beside
from incidents.reasons import IDLE
from incidents.wording import instant, length, span_of, when
from monitors.conditions.needs import FRESH, REPORTED, SIGNAL
from monitors.conditions.values import Cause, Reason, Verdict

_Sentence = Callable[[Mapping[str, Any]], str]

_NOTICED = {
    NoticeType.OPENED.value: "",
    NoticeType.REOPENED.value: "reopened, ",
    NoticeType.ACKNOWLEDGED.value: "acknowledged, ",
    NoticeType.RESOLVED.value: "resolved, ",
}


def headline(incident: Incident, *, now: datetime | None = None) -> str:
    """One sentence of what broke; with `now` also how late it is. Needs `monitor` selected.

    "Nightly restore drill: dump finished, but “restore checked” was not proven; due 03:30 UTC,
    42 min late."
    """
    parts = [f"{incident.monitor.name}: {_break(incident)}", *_deadline(incident, now)]
    sentence = "; ".join(parts)
    return sentence if sentence.endswith((".", "…", "?", "!")) else f"{sentence}."


def subject(incident: Incident, notice: str) -> str:
    """The subject of a notice: "[Luota] #12 missed: every customer gets the report"."""
    about = lookout_named(incident) or incident.quote.get("promise") or incident.monitor.promise
    one_line = " ".join(str(about).split())
    return f"[Luota] #{incident.number} {_NOTICED[notice]}{incident.cause}: {one_line}"


def notice_lines(incident: Incident, transition: Transition) -> tuple[tuple[str, str], ...]:
    """What a notice says below its headline: (label, text). Needs the transition's `actor` selected."""
    quote = incident.quote
    monitor = incident.monitor
    lines = [
        (transition.new_state.capitalize(), transition_line(transition)),
        ("Promise", str(quote.get("promise") or monitor.promise)),
        ("Not broken", not_broken(quote)),
        ("Looked healthy", "; ".join(_green_claims(quote))),
        ("Missing", ", ".join(map(str, quote.get("missing") or []))),
        _also_unproven(incident, quote),
        ("Affected runs", str(incident.affected_count) if incident.affected_count > 1 else ""),
        ("May be retried", str((quote.get("retry") or {}).get("hint") or "")),
        ("Owner", str(quote.get("owner") or "nobody")),
        ("Environment", str(quote.get("environment") or monitor.environment)),
        ("Runbook", str(quote.get("runbook_url") or monitor.runbook_url)),
    ]
    return tuple((label, text) for label, text in lines if text)


def _also_unproven(incident: Incident, quote: Mapping[str, Any]) -> tuple[str, str]:
    """("2 more steps unproven", "Access is on; The customer knows"): the headline names one of them."""
    others = unproven_beside(_failing_step(incident, quote), quote.get("steps") or [])
    label = f"{len(others)} more step{'s' if len(others) > 1 else ''} unproven"
    return label, "; ".join(str(step.get("claim") or step.get("step")) for step in others)


def transition_line(transition: Transition) -> str:
    """When, by whom and with which note a file moved: "23 Nov 2026 03:30 UTC by Ann: on it"."""
    by = transition.values.get("by") or transition.actor
    whom = f" by {by}" if by else ""
    note = f": {transition.note}" if transition.note else ""
    return f"{instant(transition.at)}{whom}{note}"


def _break(incident: Incident) -> str:
    quote = incident.quote
    values = quote.get("sentence_values") or {}
    return _BREAKS[Cause(incident.cause)](incident, quote, values)


def _missed(incident: Incident, quote: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if key := (quote.get("run") or {}).get("key"):
        others = incident.affected_count - 1
        if "announced" in values:
            return _list_differs(key, values, others)
        return (
            f"“{key}” never started" if others < 1 else f"“{key}” and {others} more never started"
        )
    last = when(values.get("last_signal_at"))
    heard = f"; the last signal came {instant(last, beside=incident.opened_at)}" if last else ""
    return f"no signal came{heard}"


def _list_differs(window: str, values: Mapping[str, Any], others: int) -> str:
    """Of a list without keys: the run of its name is none that anybody announced."""
    announced, found = values["announced"], values["found"]
    started = "other runs" if announced == found else str(found)
    more = f"; {others} more never started" if others > 0 else ""
    return f"the list “{window}” announced {announced} runs, but {started} started{more}"


def _late(incident: Incident, quote: Any, values: Mapping[str, Any]) -> str:
    lateness, step = span_of(values.get("lateness_seconds")), _step_claim(incident, quote)
    how_late = f"{length(lateness)} late" if lateness else "late"
    return f"“{step}” was proven, but {how_late}" if step else f"the proof came {how_late}"


def _failed(incident: Incident, quote: Any, values: Mapping[str, Any]) -> str:
    took, least = span_of(values.get("took_seconds")), span_of(values.get("least_seconds"))
    if took is not None and least and incident.fingerprint == Reason.TOO_SHORT.value:
        return f"succeeded after {length(took)}, at least {length(least)} were expected"
    if incident.fingerprint in IDLE:
        return IDLE[incident.fingerprint](values)
    step = _step_claim(incident, quote)
    if _failing_step(incident, quote).get("verdict") == Verdict.VIOLATED.value and step:
        return f"{_healthy(quote)}the evidence says no to “{step}”{_said(quote)}"
    code = quote.get("exit_code")
    with_code = f" with exit code {code}" if code is not None else ""
    where = f" before “{step}” was proven" if step else ""
    return f"failed{with_code}{where}{_said(quote)}"


def _stuck(incident: Incident, quote: Any, values: Mapping[str, Any]) -> str:
    step = _step_claim(incident, quote)
    if step and _failing_step(incident, quote).get("verdict") == Verdict.VIOLATED.value:
        return (
            f"started, and the evidence says no to “{step}”{_said(quote)}"  # a look at the deadline
        )
    if _came_later(quote, values):
        return f"started, but {f'“{step}”' if step else 'the outcome'} was not proven"
    return (
        f"started, then nothing came; “{step}” is missing" if step else "started, then nothing came"
    )


def _came_later(quote: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Did anything come after the beginning, though it was not enough?"""
    opened = when((quote.get("run") or {}).get("opened_at"))
    last = when(values.get("last_signal_at"))
    return opened is not None and last is not None and last > opened


def _slow(_incident: Incident, _quote: Any, values: Mapping[str, Any]) -> str:
    limit = span_of(values.get("limit_seconds"))
    return f"still runs after its limit of {length(limit)}" if limit else "runs longer than it may"


def _stale(incident: Incident, _quote: Any, values: Mapping[str, Any]) -> str:
    as_of = when(values.get("fresh_as_of"))
    if as_of is None:
        return "the content is older than it may be"
    return f"the content is as of {instant(as_of, beside=incident.opened_at)}, older than it may be"


def _unproven(incident: Incident, quote: Any, _values: Any) -> str:
    step = _step_claim(incident, quote)
    return f"{_healthy(quote)}{f'“{step}”' if step else 'the outcome'} was not proven"


def _contradicted(incident: Incident, quote: Any, _values: Any) -> str:
    step = _step_claim(incident, quote) if incident.step else ""
    of_what = f" of “{step}”" if step else ""
    return f"it was proven, and later evidence{of_what} says otherwise"


def _partial(incident: Incident, quote: Any, _values: Any) -> str:
    """ "997 of 1000 “result visible”; missing are cus_17, cus_18 and cus_19"."""
    step = _failing_step(incident, quote)
    claim = _step_claim(incident, quote) or "proven"
    if step.get("wanted") is None:
        return f"only {step.get('met', 'a part')} met “{claim}”"
    names = [str(path).partition("[")[2].rstrip("]") for path in step.get("missing") or []]
    left = int(step["wanted"]) - int(step["met"]) - len(names[:3])
    named = [*names[:3], f"{left} more"] if left > 0 else names[:3]
    missing = f"; missing are {_listed(named)}" if names else ""
    return f"{step['met']} of {step['wanted']} met “{claim}”{missing}"


def _broken(incident: Incident, quote: Any, _values: Any) -> str:
    if why := why_it_cannot(quote):
        return why
    step = _failing_step(incident, quote)
    fault = str(step.get("fault") or "").strip()
    return f"the check of “{step.get('step')}” cannot be judged: {_short(fault) or 'see its rules'}"


def _unplaced(_incident: Incident, quote: Any, values: Mapping[str, Any]) -> str:
    """ "37 of 40 “email.delivered” and 3 of 3 “email.bounced” from resend match no run; usually 2 of 812"."""
    kinds: Sequence[Mapping[str, Any]] = (quote.get("unplaced") or {}).get("kinds") or []
    if not kinds:
        return "evidence came that matches no run"
    told = [f"{each['waiting']} of {each['total']} “{each['kind']}”" for each in kinds[:3]]
    more = [f"{len(kinds) - 3} more kinds"] if len(kinds) > 3 else []
    usual = values.get("usual_total")
    usually = f"; usually {values['usual_waiting']} of {usual}" if usual else ""
    return f"{_listed([*told, *more])} from {values.get('source')} match no run{usually}"


_BREAKS = {
    Cause.MISSED: _missed,
    Cause.LATE: _late,
    Cause.FAILED: _failed,
    Cause.STUCK: _stuck,
    Cause.SLOW: _slow,
    Cause.STALE: _stale,
    Cause.UNPROVEN: _unproven,
    Cause.CONTRADICTED: _contradicted,
    Cause.PARTIAL: _partial,
    Cause.UNPLACED: _unplaced,
    Cause.BROKEN: _broken,
}


def _deadline(incident: Incident, now: datetime | None) -> list[str]:
    """["due 03:30 UTC, 42 min late"]; empty where a deadline says nothing."""
    due_at = find_due_at(incident)
    if due_at is None:
        return []
    due = f"due {instant(due_at, beside=incident.recorded_at)}"
    if incident.cause == Cause.LATE.value:
        return [due]  # the proof is there; how late it came is said already
    until = incident.resolved_at if incident.state == State.RESOLVED.value else now
    return [f"{due}, {length(until - due_at)} late" if until and until > due_at else due]


_IMPLICIT = frozenset({REPORTED, SIGNAL, FRESH})
_WITHOUT_DEADLINE = {
    Cause.FAILED.value,
    Cause.SLOW.value,  # its limit is a duration; the deadlines of its steps may lie ahead
    Cause.CONTRADICTED.value,
    Cause.UNPLACED.value,
    Cause.BROKEN.value,
}


def find_due_at(incident: Incident) -> datetime | None:
    """The deadline that passed: that of the sentence, else of the failing step, else the slot."""
    if incident.cause in _WITHOUT_DEADLINE:
        return None
    quote = incident.quote
    values = quote.get("sentence_values") or {}
    step, run = _failing_step(incident, quote), quote.get("run") or {}
    return when(values.get("due_at") or step.get("due_at") or run.get("expected_at"))


def _failing_step(incident: Incident, quote: Mapping[str, Any]) -> Mapping[str, Any]:
    steps: Sequence[Mapping[str, Any]] = quote.get("steps") or []
    named = [step for step in steps if incident.step and step.get("step") == incident.step]
    unmet = [step for step in steps if step.get("verdict") != Verdict.MET.value]
    return next(iter([*named, *unmet]), {})


def _step_claim(incident: Incident, quote: Mapping[str, Any]) -> str:
    """Empty when the run itself is meant: nobody has named the implicit step."""
    step = _failing_step(incident, quote)
    return "" if step.get("step") in _IMPLICIT else str(step.get("claim") or incident.step)


def _healthy(quote: Mapping[str, Any]) -> str:
    """What looked healthy, as the beginning of a sentence; empty when nothing did."""
    green = [_inner(claim) for claim in _green_claims(quote)]
    return f"{_listed(green)}, but " if green else ""


def _said(quote: Mapping[str, Any]) -> str:
    said = " ".join(str(quote.get("summary") or "").split())
    return f": {_short(said)}" if said else ""


def _green_claims(quote: Mapping[str, Any]) -> list[str]:
    return [str(each["claim"]) for each in quote.get("comforts") or [] if each.get("at")]


def _inner(claim: str) -> str:
    """A claim inside a sentence: no capital (unless it is a name in capitals) and no full stop."""
    claim = claim.strip().rstrip(".")
    return claim if claim[1:2].isupper() else claim[:1].lower() + claim[1:]


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
