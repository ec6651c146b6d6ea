"""The values that come in, field by field: what is plainly good is taken at once, the rest as the framework does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from evidence.api.limits import PAYLOAD_BYTES
from evidence.redaction import looks_secret
from luota.lib.shapes import find_uuid
from monitors.conditions.reading import KIND, LONGEST_KIND


@extend_schema_field(OpenApiTypes.DATETIME)
class TimestampField(serializers.Field[datetime, str, str, Any]):
    """RFC 3339 with an offset, neither far ahead nor older than what is kept."""

    default_error_messages = {
        "invalid": "Give a timestamp with an offset, such as 2026-03-29T12:00:00Z.",
    }

    def to_internal_value(self, data: object) -> datetime:
        if not isinstance(data, str) or len(data) > 40:
            self.fail("invalid")
        try:
            value = datetime.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if value.tzinfo is None or not 1970 < value.year < 9999:
            self.fail("invalid")
        return value.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class IdField(serializers.UUIDField):
    """A UUID as text; the framework would take any whole number for one."""

    def run_validation(self, data: Any = empty) -> UUID | None:
        known = _uuid_of(data) if type(data) is str and len(data) == 36 else None
        return known or super().run_validation(data)

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class PayloadField(serializers.JSONField):
    """Any JSON value. Its size is measured with the whole body at hand."""

    def run_validation(self, data: Any = empty) -> Any:
        return super().run_validation(data) if data is None or data is empty else data


class ExpectedField(serializers.DictField):
    """What the outcome must be, such as {"plan": "pro"} or {"members": ["a", "b"]}: conditions compare with it."""

    default_error_messages = {
        "invalid": f"Give an object of at most {PAYLOAD_BYTES} bytes with named values.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping) or len(orjson.dumps(data)) > PAYLOAD_BYTES:
            self.fail("invalid")
        return data


class NameField(serializers.CharField):
    """A short word by which the caller finds things again; never a secret, for it is kept in clear."""

    def run_validation(self, data: Any = empty) -> Any:
        if _is_plain(data) and len(data) <= (self.max_length or 0) and not looks_secret(data):
            return data
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if looks_secret(value):
            raise serializers.ValidationError(
                "This looks like a secret; it would be kept in clear."
            )
        return str(value)


class KindField(serializers.RegexField):
    """The kind of a piece of evidence, such as `receipt_seen` or `email.delivered`."""

    default_error_messages = {
        "invalid": "A kind is a lower-case word of letters, digits and _, or several joined by dots,"
        " such as `restore_check` or `email.delivered`.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(rf"^{KIND.pattern}$", max_length=LONGEST_KIND, **options)

    def run_validation(self, data: Any = empty) -> Any:
        is_good = type(data) is str and len(data) <= LONGEST_KIND and KIND.fullmatch(data)
        return data if is_good else super().run_validation(data)


@extend_schema_field(
    {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}
)
class IdsField(serializers.Field[dict[str, str], Any, Any, Any]):
    """{name: id}, at most 32, texts or whole numbers of at most 200 characters."""

    default_error_messages = {
        "invalid": "Give an object of at most 32 names with a text or a whole number each (200 characters).",
    }

    def to_internal_value(self, data: object) -> dict[str, str]:
        if not isinstance(data, Mapping) or len(data) > 32:
            self.fail("invalid")
        ids = {}
        for name, value in data.items():
            is_id = isinstance(value, str | int) and not isinstance(value, bool)
            if not is_id or len(str(value)) > 200 or len(name) > 60:
                self.fail("invalid")
            ids[name] = str(value)
        return ids

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


def _is_plain(data: object) -> bool:
    """A text that is its own cleaned form, as nearly all are: the framework's way to say so takes ten times as long."""
    return (
        type(data) is str and data.isascii() and data.isprintable() and data == data.strip() != ""
    )


@lru_cache(maxsize=4096)
def _uuid_of(text: str) -> UUID | None:
    """Of the canonical form; the same few monitors come again and again."""
    return find_uuid(text)
