"""The door for what receivers and probes found: cleaned, placed and committed with everybody's signals."""

from collections.abc import Sequence
from dataclasses import replace

from evidence.findings import Found
from evidence.group_commit import submit
from evidence.signals import Action, Receipt, Sender, Signal, clean


def submit_found(sender: Sender, founds: Sequence[Found]) -> list[Receipt]:
    """Store what was found, each piece in every run that it belongs to; returns after the commit.

    A receipt's fate is STORED, DUPLICATE or UNPLACED. `sender.bound_to` keeps it to one monitor. Raises IntakeBusy.
    """
    return submit([signal_of(sender, found) for found in founds]) if founds else []


def signal_of(sender: Sender, found: Found) -> Signal:
    """A cleaned signal that knows no monitor yet."""
    words = {
        "kind": found.kind,
        "ids": {name[:60]: value[:200] for name, value in found.ids.items()},
        "occurred_at": found.occurred_at,
        "fresh_as_of": found.fresh_as_of,
        "subject": found.subject[:200],
        "external_run_id": found.run[:200],
        "event_id": found.event_id,
        "counts_once": found.counts_once,
        "payload": found.payload,
        "summary": found.summary,
        "environment": found.environment[:60],
        "deploy_sha": found.deploy_sha[:64],
        "rule": found.rule[:80],
    }
    return replace(clean(sender, Action.EVIDENCE, words), is_found=True)
