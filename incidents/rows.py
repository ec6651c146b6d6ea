"""The rows that open a file, as `copy_new` writes them: the fields are columns, in the words of the models.

Plain tuples, because ten thousand files open at once and nobody looks at the rows again.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

INCIDENTS, TRANSITIONS, AFFECTED_RUNS = (
    "incidents_incident",
    "incidents_transition",
    "incidents_affectedrun",
)


class IncidentRow(NamedTuple):
    """A new file."""

    id: UUID
    workspace_id: UUID
    number: int
    monitor_id: UUID
    cause: str
    step: str
    fingerprint: str
    labels: list[str]
    key: bytes
    severity: int
    state: str
    opened_at: datetime
    recorded_at: datetime
    affected_count: int
    route_id: UUID | None
    quote: str
    """JSON."""
    resolution: str = ""
    reopened_count: int = 0


class TransitionRow(NamedTuple):
    """A new entry of a timeline, by Luota itself."""

    id: UUID
    workspace_id: UUID
    incident_id: UUID
    trigger: str
    old_state: str
    new_state: str
    at: datetime
    recorded_at: datetime
    values: str
    """JSON."""
    note: str = ""


class AffectedRow(NamedTuple):
    """A run that a new file is about."""

    workspace_id: UUID
    incident_id: UUID
    run_id: UUID
    broken_since: datetime
    recovered_at: datetime | None
    joined_at: datetime
