"""The evaluator's way to parsed specs: by Django's connection."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from monitors.conditions.rules import Spec
from monitors.specs import read_specs


def parsed_specs(spec_ids: Iterable[UUID]) -> dict[UUID, Spec | Exception]:
    """{spec id: rules}, or the error that made them unreadable (monitors.specs)."""
    with connection.cursor() as cursor:
        return read_specs(cursor, spec_ids)
