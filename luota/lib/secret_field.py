"""The column of a secret at rest. What is in it, workspaces.secrets encrypts, opens and rotates.

It has a type of its own so that a rotation finds every such column, of whichever app.
"""

from typing import Any

from django.db import models


class SecretField(models.BinaryField):  # type: ignore[type-arg]
    """For migrations it is a BinaryField: nothing in the database differs."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options
