"""Models whose rows are read by the thousand: loaded without what Django does for each field of each object."""

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState


class PlainRow(models.Model):
    """Takes its columns as they come: half of what Model.__init__ costs, which calls a descriptor for each field.

    For models of plain columns and foreign keys, on whose init no signal waits.
    """

    class Meta:
        abstract = True

    @classmethod
    def from_db(  # type: ignore[override] # the stubs know a later Django, which hands over more
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        """What is not among the columns stays deferred, as Django has it."""
        state, row = ModelState(), cls.__new__(cls)
        state.adding, state.db = False, db
        row.__dict__.update(zip(field_names, values, strict=True), _state=state)
        return row
