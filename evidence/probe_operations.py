"""Probes made, changed and deleted by people: one transaction, one audit event each."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from evidence import probe_gaps
from evidence.lookouts import hold_monitor
from evidence.models import Probe
from evidence.probe_ledger import FAULTLESS
from evidence.probes import http, ways
from evidence.probes.contract import Way
from monitors.conditions.reading import SpecInvalid, kind
from monitors.conditions.rules import CLOSE, PING, START, Mode
from monitors.models import Monitor
from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Secret

MOST_PROBES = 20
"""Of one monitor."""
_TOLD = (
    "name",
    "way",
    "target",
    "emits",
    "subject",
    "every",
    "on_deadline",
    "secret_id",
    "paused_at",
)


class ProbeInvalid(Exception):
    """The draft does not make a sensible probe: which field, and why in one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field, self.sentence = field, sentence


class ProbeNameTaken(Exception):
    """Another probe of the monitor has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeDraft:
    name: str
    way: Way
    target: dict[str, Any]
    emits: str
    secret_id: UUID | None = None
    subject: str = ""
    every: timedelta | None = None
    on_deadline: bool = False
    is_paused: bool = False


def draft_of(probe: Probe) -> ProbeDraft:
    return ProbeDraft(
        name=probe.name,
        way=Way(probe.way),
        target=probe.target,
        emits=probe.emits,
        secret_id=probe.secret_id,
        subject=probe.subject,
        every=probe.every,
        on_deadline=probe.on_deadline,
        is_paused=probe.paused_at is not None,
    )


def create_probe(*, monitor: Monitor, draft: ProbeDraft, actor: Actor, now: datetime) -> Probe:
    """It looks for the first time at once. ProbeInvalid, ProbeNameTaken."""
    _check(draft, monitor)
    if Probe.objects.filter(monitor=monitor).count() >= MOST_PROBES:
        raise ProbeInvalid("name", f"A monitor has at most {MOST_PROBES} probes.")
    probe = Probe(
        workspace_id=monitor.workspace_id,
        monitor=monitor,
        created_at=now,
        **_columns(draft, paused_at=None, now=now),
    )
    try:
        with transaction.atomic():
            probe.save(force_insert=True)
            audit.note(probe, "probe.created", actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error
    return probe


def update_probe(*, probe: Probe, draft: ProbeDraft, actor: Actor, now: datetime) -> None:
    """What it found before is forgotten: it may look elsewhere now. ProbeInvalid, ProbeNameTaken."""
    _check(draft, probe.monitor)
    before = audit.snapshot(probe, _TOLD)
    columns = _columns(draft, paused_at=probe.paused_at, now=now)
    try:
        with transaction.atomic():
            hold_monitor(probe)
            # A look under way was at the old place: raising the number makes it write nothing.
            Probe.objects.filter(pk=probe.pk).update(
                **columns, **FAULTLESS, looks_begun=F("looks_begun") + 1
            )
            probe_gaps.end(probe, at=now, now=now)
            changed = Probe.objects.get(pk=probe.pk)
            changes = audit.difference(before, audit.snapshot(changed, _TOLD))
            audit.note(changed, "probe.updated", actor=actor, now=now, changes=changes)
    except IntegrityError as error:
        raise _name_taken(error) from error


def turn_probe(*, probe: Probe, is_paused: bool, actor: Actor, now: datetime) -> None:
    """Nobody looks, also on no deadline, until it is turned on again; then it looks at once."""
    draft = replace(draft_of(probe), is_paused=is_paused)
    update_probe(probe=probe, draft=draft, actor=actor, now=now)


@transaction.atomic
def delete_probe(*, probe: Probe, actor: Actor, now: datetime) -> None:
    """The evidence of what it saw stays; so does what could not be judged while it was blind."""
    hold_monitor(probe)
    probe_gaps.end(probe, at=now, now=now)
    audit.note(probe, "probe.deleted", actor=actor, now=now)
    Probe.objects.filter(pk=probe.pk).delete()


def _columns(draft: ProbeDraft, *, paused_at: datetime | None, now: datetime) -> dict[str, Any]:
    is_due = draft.every is not None and not draft.is_paused
    return {
        "name": draft.name,
        "way": draft.way.value,
        "target": draft.target,
        "emits": draft.emits,
        "secret_id": draft.secret_id,
        "subject": draft.subject,
        "every": draft.every,
        "on_deadline": draft.on_deadline,
        "paused_at": (paused_at or now) if draft.is_paused else None,
        "next_due_at": now if is_due else None,
    }


def _check(draft: ProbeDraft, monitor: Monitor) -> None:
    try:
        kind(draft.emits, "emits")
        ways.check(draft.way, draft.target)
    except SpecInvalid as error:
        field = "emits" if error.field == "emits" else f"target.{error.field}".rstrip(".")
        raise ProbeInvalid(field, error.sentence) from error
    if draft.emits in {START, CLOSE, PING}:
        raise ProbeInvalid("emits", "This kind is the word of a worker; a probe has its own.")
    if draft.every is None and not draft.on_deadline:
        raise ProbeInvalid("everySeconds", "Say how often it looks, or that it looks on deadlines.")
    _check_mode(draft, monitor)
    own = Secret.objects.filter(workspace_id=monitor.workspace_id)
    if draft.secret_id and not own.filter(pk=draft.secret_id).exists():
        raise ProbeInvalid("secretId", "This workspace has no such secret.")
    if draft.secret_id and http.is_open(draft.target):
        raise ProbeInvalid("secretId", http.HTTPS_ONLY)


def _check_mode(draft: ProbeDraft, monitor: Monitor) -> None:
    is_run, is_freshness = monitor.mode == Mode.RUN, monitor.mode == Mode.FRESHNESS
    if ways.is_about_runs(draft.target) and not is_run:
        raise ProbeInvalid("target", "Only a monitor of mode run has runs to be named.")
    if is_freshness and not ways.tells_age(draft.way, draft.target):
        raise ProbeInvalid("target.fresh", "Say where the age of the content is found.")
    if draft.subject and not is_freshness:
        raise ProbeInvalid("subject", "Only the content of a freshness monitor has a subject.")


def _name_taken(error: IntegrityError) -> Exception:
    return ProbeNameTaken() if "probe_name_once" in str(error) else error
