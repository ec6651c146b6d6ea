"""Pure: what a run's strip and an incident's quote look like as JSON. The quote outlives the evidence."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from evidence.quotes import MEMBER, Quoted
from incidents.wording import shown
from monitors.conditions.duration import format_duration
from monitors.conditions.rules import CLOSE, Spec, Step
from monitors.conditions.values import (
    Break,
    Evidence,
    Judgement,
    Outcome,
    Reason,
    RunFacts,
    StepStanding,
    Verdict,
)
from monitors.conditions.why import values_read
from monitors.models import Run

IMPLICIT_CLAIMS = {
    "reported": "The run reports success",
    "signal": "A signal comes in time",
    "fresh": "The content is recent",
}
"""The steps of specs that name none (monitors.conditions.needs)."""


def standing_of(
    spec: Spec, judgement: Judgement, evidence: Sequence[Evidence] = ()
) -> dict[str, Any]:
    """Run.standing: {"steps": [...], "comforts": [...]}, instants as ISO 8601."""
    rules = {step.name: step for step in spec.steps}
    return {
        "steps": [
            {
                "step": step.step,
                "claim": _claim(step.step, rules),
                "verdict": step.verdict.value,
                "evidence_id": step.evidence_id,
                "at": _iso(step.at),
                "strength": step.strength.name.lower() if step.strength else None,
                "due_at": _iso(step.due_at),
                "missing": list(step.missing),
                **_beside(step, rules.get(step.step)),
            }
            for step in judgement.steps
        ],
        "comforts": comforts_of(spec, judgement, evidence),
    }


def comforts_of(
    spec: Spec, judgement: Judgement, evidence: Sequence[Evidence]
) -> list[dict[str, Any]]:
    """What looked healthy and what did not: {"comfort", "claim", "evidence_id", "at"}, `at` None of what did not."""
    return [*_comforts(spec, judgement), *_reported(spec, evidence)]


def _claim(step: str, rules: Mapping[str, Step]) -> str:
    return rules[step].claim if step in rules else IMPLICIT_CLAIMS.get(step, step)


def unproven_beside(
    named: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The steps that are not met, without the one that is told of already and what merely has not happened yet."""
    settled = {Verdict.MET.value, Verdict.HOLDING.value}
    return [
        step
        for step in steps
        if step.get("verdict") not in settled and step.get("step") != named.get("step")
    ]


def _beside(step: StepStanding, rule: Step | None) -> dict[str, Any]:
    """What few steps have: a condition that cannot be judged, members of a batch, an absence, a stay."""
    found: dict[str, Any] = {"fault": step.fault} if step.fault else {}
    if step.members is not None:
        found |= {"met": step.members[0], "wanted": step.members[1]}
    if step.is_excused:
        found["excused"] = True
    if rule is not None and rule.absent:
        found["absent"] = True
    if rule is not None and rule.stays_for:
        found["stays_for"] = format_duration(rule.stays_for)
    return found


def _comforts(spec: Spec, judgement: Judgement) -> Iterator[dict[str, Any]]:
    greens = {comfort.name: comfort.claim for comfort in spec.comforts}
    for comfort in judgement.comforts:
        yield {
            "comfort": comfort.comfort,
            "claim": greens[comfort.comfort],
            "evidence_id": comfort.evidence_id,
            "at": _iso(comfort.at),
        }


def _reported(spec: Spec, evidence: Sequence[Evidence]) -> Iterator[dict[str, Any]]:
    """With steps of its own, a spec takes the caller's success for a comfort, named or not."""
    success = [e for e in evidence if e.outcome is Outcome.SUCCESS]
    if success and spec.steps and all(comfort.kind != CLOSE for comfort in spec.comforts):
        first = min(success, key=lambda e: e.at)
        yield {
            "comfort": "reported",
            "claim": "The run reported success",
            "evidence_id": first.id,
            "at": _iso(first.at),
        }


def labels_of(spec: Spec, run: Run) -> list[str]:
    """The labels of a run that split files: `environment:x`, or its tags `name:value`."""
    if not spec.group_by:
        return []
    own = [f"environment:{run.environment}", *run.tags]
    return sorted(label for label in own if label.split(":", 1)[0] in spec.group_by)


def key_of(run: Run, broken: Break, labels: Sequence[str]) -> bytes:
    """SHA-256 of (monitor, cause, first failing step, fingerprint, labels)."""
    parts = [str(run.monitor_id), broken.cause.value, broken.step, broken.fingerprint, *labels]
    return hashlib.sha256("\x1f".join(parts).encode()).digest()


def quote_of(
    *,
    run: Run,
    spec: Spec,
    judgement: Judgement,
    standing: Mapping[str, Any],
    quoted: Quoted,
    facts: RunFacts,
) -> dict[str, Any]:
    """Incident.quote: all that the file must still say when the evidence is gone.

    incidents.sheets adds the last good run, the route, and what a list without keys announced.
    """
    monitor = run.monitor
    ids = _ids_of(judgement, quoted)
    return {
        "sentence_values": _sentence_values(spec, judgement, quoted),
        "promise": monitor.promise,
        "owner": monitor.owner_name,
        "environment": run.environment or monitor.environment,
        "runbook_url": monitor.runbook_url,
        "steps": standing["steps"],
        "comforts": standing["comforts"],
        "missing": list(judgement.missing),
        "read": _read_quote(spec, judgement, facts),
        "payload": quoted.payload,
        "output": quoted.output,
        "summary": quoted.summary,
        "exit_code": quoted.exit_code,
        "ids": ids,
        "deploy_sha": run.deploy_sha,
        "host": run.host,
        "tags": run.tags,
        "run": _run_quote(run),
        "retry": _retry_quote(run, spec, _first_wrong(judgement), ids),
        "blind": [
            {"starts_at": _iso(w.starts_at), "ends_at": _iso(w.ends_at)} for w in facts.blind
        ],
    }


def _run_quote(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "key": run.key,
        "occurrence": run.occurrence,
        "opened_at": _iso(run.opened_at),
        "expected_at": _iso(run.expected_at),
    }


def _first_wrong(judgement: Judgement) -> str:
    """The step that broke the promise, which others that wait may stand before; else the first not met."""
    broke = (each.step for each in reversed(judgement.breaks) if each.step)
    unmet = (each.step for each in judgement.steps if each.verdict is not Verdict.MET)
    return next(broke, "") or next(unmet, "")


def _read_quote(spec: Spec, judgement: Judgement, facts: RunFacts) -> list[dict[str, str]]:
    """What the condition read that says no: [{"path", "value"}], values as short texts of JSON."""
    wrong = _first_wrong(judgement)
    said_no = (each for each in judgement.steps if each.verdict is Verdict.VIOLATED)
    step = next((each for each in said_no if each.step == wrong), None)
    seen = values_read(spec, facts, step) if step else ()
    return [{"path": each.path, "value": shown(each.value)} for each in seen if not each.is_missing]


def _ids_of(judgement: Judgement, quoted: Quoted) -> dict[str, str]:
    """Where several members of a batch are missing, the id of one would stand for all of them: the steps name them."""
    several = any(each.members and len(each.missing) > 1 for each in judgement.steps)
    return {name: known for name, known in quoted.ids.items() if name != MEMBER or not several}


def _retry_quote(run: Run, spec: Spec, step: str, ids: Mapping[str, str]) -> dict[str, Any]:
    """What the evidence says may be repeated: the hint of the step that is wrong."""
    hints = {each.name: each.retry_hint for each in spec.steps if each.retry_hint}
    return {
        "hint": hints.get(step, ""),
        "attempts": run.attempt,
        "external_ids": dict(ids),
        "deploy_sha": run.deploy_sha,
        "host": run.host,
    }


def _sentence_values(spec: Spec, judgement: Judgement, quoted: Quoted) -> dict[str, Any]:
    values = (
        _too_short(spec, judgement)
        | _too_idle(judgement)
        | {
            "last_signal_at": _iso(quoted.last_signal_at),
            "fresh_as_of": _iso(quoted.fresh_as_of),
            "limit_seconds": spec.max_duration.total_seconds() if spec.max_duration else None,
            "duration_seconds": judgement.duration.total_seconds() if judgement.duration else None,
            "lateness_seconds": judgement.lateness.total_seconds() if judgement.lateness else None,
        }
    )
    return {name: value for name, value in values.items() if value is not None}


def _too_short(spec: Spec, judgement: Judgement) -> dict[str, Any]:
    """Of a success that was not believed: how soon it came, how soon it may come."""
    for move in reversed(judgement.path):
        if move.reason is Reason.TOO_SHORT and spec.min_duration:
            least = spec.min_duration.total_seconds()
            return {"took_seconds": float(dict(move.values)["seconds"]), "least_seconds": least}
    return {}


def _too_idle(judgement: Judgement) -> dict[str, Any]:
    """Of a run that had nothing to do once too often: how often or how long, and what is allowed."""
    idle = (Reason.NOTHING_TOO_OFTEN, Reason.NOTHING_TOO_LONG)
    return next((dict(m.values) for m in reversed(judgement.path) if m.reason in idle), {})


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
