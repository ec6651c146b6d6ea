"""The demo's monitors: the shipped blueprints at the pace of a person who watches, and two about the demo itself.

Nothing is played: each is fed by a program of examples/, or by the one that starts them.
"""

from dataclasses import replace

from luota.portal.blueprints.fields import Blueprint, Owner
from luota.portal.blueprints.shipped import shipped
from luota.portal.demo.jobs import PLAYER, STORE
from luota.portal.demo.pace import hurried
from monitors.conditions.rules import Mode
from monitors.models import Severity

DRILL = "Restore drill"
STORED_MINUTES = 15
"""Drills come every four minutes: one that fails is no stale backup yet."""
_RUNBOOKS = "https://runbooks.luota.example"
_OWNERS = {
    "billing-access": "Revenue",
    "scheduled-report": "Sales",
    "visible-batch": "Messages",
    "state-drift": "Billing",
    "restore-drill": "Platform",
}
"""{slug of a blueprint: who owns it}: the five incident files of the failure atlas, each with an example."""


def promises() -> list[Blueprint]:
    """Each with its name, by which it is found again at the next start."""
    return [*(_shown(slug) for slug in _OWNERS), _stored(), _PLAYER]


def _shown(slug: str) -> Blueprint:
    found = shipped()[slug].blueprint
    rules = hurried(found.spec)
    if (
        slug == "restore-drill"
    ):  # the one that must begin by itself: a drill that never starts is missed
        rules |= {"schedules": [{"interval": "5m"}], "grace": "5m"}
    runbook = f"{_RUNBOOKS}/{slug}"
    return replace(found, spec=rules, owner=Owner(label=_OWNERS[slug]), runbook=runbook)


def _stored() -> Blueprint:
    found = shipped()["data-freshness"].blueprint
    return replace(
        found,
        name=STORE,
        promise=f"The newest archive of the backup store is at most {STORED_MINUTES} minutes old.",
        owner=Owner(label="Platform"),
        runbook=f"{_RUNBOOKS}/backup-store",
        tags=("backup",),
        spec=dict(found.spec) | {"max_age": f"{STORED_MINUTES}m"},
    )


_PLAYER = Blueprint(
    name=PLAYER,
    promise="The program that starts the demo's workflows is alive.",
    mode=Mode.HEARTBEAT,
    severity=Severity.NORMAL,
    owner=Owner(label="You"),
    tags=("demo",),
    spec={"schedules": [{"interval": "1m"}], "grace": "1m"},
)
