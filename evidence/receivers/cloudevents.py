"""Pure: CloudEvents 1.0 over HTTP: binary (attributes in headers), structured (one in the body), batch (a list).

Source and id together are the key of idempotency. CloudEvents sign nothing: settings with a `header` ask for
a code as generic_hmac reads it, else the bearer secret vouches for the sender, which is a receipt and no more.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from evidence.findings import Found
from evidence.receivers import generic_hmac, shared_secrets
from evidence.receivers.contract import Delivery, Rule
from evidence.receivers.reading import (
    digest_of,
    event_id_of,
    ids_in,
    ids_of,
    json_of,
    kind_of,
    named_ids,
    text,
    time_of,
    unreadable,
)
from monitors.conditions.rules import Strength

VENDOR = "cloudevents"
RULES = (
    Rule(
        match="*",
        kind="*",
        ids="source, each extension attribute, data.id under the type's last word but one, each data.…_id",
        note="com.example.order.paid with data.id is ids.order; the subject is the run's key",
    ),
)
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_PREFIX = "ce-"
_ESCAPED = re.compile(r"\\(.)")
_DATA = frozenset({"data", "data_base64", "datacontenttype", "dataschema"})
_CONTEXT = frozenset({"specversion", "id", "source", "type", "subject", "time"})
_TRACE = frozenset({"traceparent", "tracestate"})
_ATTRIBUTES = _CONTEXT | _DATA | _TRACE
"""Those with a meaning of their own; every other attribute is an extension of the sender's."""


def strength_of(headers: Mapping[str, str], settings: Mapping[str, Any]) -> Strength:
    """What a delivery is worth that verify() let pass: in the binary form the code does not cover type and id."""
    is_whole = _media_type(headers.get("content-type", "")) in {_STRUCTURED, _BATCH}
    return Strength.ATTESTED if settings.get("header") and is_whole else Strength.RECEIPT


def is_batch(headers: Mapping[str, str]) -> bool:
    return _media_type(headers.get("content-type", "")) == _BATCH


def verify(
    raw: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    *,
    now: datetime,
    settings: Mapping[str, Any],
) -> None:
    """Raises Refused."""
    if settings.get("header"):
        generic_hmac.verify(raw, headers, secrets, now=now, settings=settings)
    else:
        shared_secrets.check_key(headers, secrets)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """All events or none: raises Refused when one is unreadable."""
    media_type = _media_type(headers.get("content-type", ""))
    if is_batch(headers):
        return Delivery(id=digest_of(raw), found=tuple(_found(event) for event in _batch(raw)))
    if media_type == _STRUCTURED:
        event = json_of(raw)
    elif media_type.startswith("application/cloudevents"):
        raise unreadable(f"Events are read as JSON, not as {media_type[:60]}.")
    else:
        event = _binary(raw, headers)
    found = _found(event)
    return Delivery(id=found.event_id, found=(found,))


def _batch(raw: bytes) -> list[Any]:
    events = json_of(raw)
    if not isinstance(events, list):
        raise unreadable("The body of a batch must be a list.")
    return events


def _binary(raw: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        name.removeprefix(_PREFIX): _attribute(value)
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    if not attributes:
        raise unreadable("It has neither ce- headers nor the content type of CloudEvents.")
    if any("\x00" in value for value in attributes.values()):
        raise unreadable("NUL characters cannot be stored.")
    return attributes | {"data": _data(raw, headers.get("content-type", ""))}


def _attribute(value: str) -> str:
    """A header may be quoted, and is percent-encoded UTF-8 (HTTP protocol binding, 3.1.3.2)."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise unreadable("A ce- header is not percent-encoded UTF-8.") from None


def _data(raw: bytes, content_type: str) -> Any:
    """JSON when it says so, or says nothing and is: the content type may be absent. Else text or base64."""
    media_type = _media_type(content_type)
    is_json = media_type in {"application/json", "text/json"} or media_type.endswith("+json")
    if not raw:
        return None
    if is_json or (not media_type and raw.lstrip()[:1] in {b"{", b"["}):
        return json_of(raw)
    try:
        words = raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()
    return base64.b64encode(raw).decode() if "\x00" in words else words


def _found(event: Any) -> Found:
    version, source, event_id, word = (
        text(event, name) for name in ("specversion", "source", "id", "type")
    )
    if version != "1.0":
        raise unreadable(f"It must be a CloudEvent of specversion 1.0, not {version[:20]!r}.")
    kind = kind_of(word)
    if not source or not event_id or not kind:
        raise unreadable("An event needs its source, id and type.")
    data, subject = event.get("data", event.get("data_base64")), text(event, "subject")
    extensions = {name: event[name] for name in event.keys() - _ATTRIBUTES}
    return Found(
        kind=kind,
        ids=named_ids(extensions) | ids_in(data, _owner(kind)) | ids_of(source=source),
        occurred_at=time_of(event.get("time")),
        payload=data,
        summary=f"{word} {subject}".strip(),
        rule=RULES[0].match,
        event_id=_key(source, event_id),
        run=subject if len(subject) <= 200 else "",
    )


def _key(source: str, event_id: str) -> str:
    """A source is a URI and has no spaces, so that two pairs never make one key."""
    return event_id_of(f"{source.replace(' ', '%20')} {event_id}")


def _owner(kind: str) -> str:
    """What the type is about: `order` of com.example.order.paid."""
    return kind.split(".")[-2] if "." in kind else kind


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
