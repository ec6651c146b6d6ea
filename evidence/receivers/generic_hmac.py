"""Pure: senders nobody has written a file for, that sign the body with a shared secret in some header.

Settings, all texts, of which none is needed:

    header       x-hub-signature-256   where the code is
    prefix       sha256=               what stands before it
    algorithm    sha256                or sha1, sha384, sha512
    encoding     hex                   or base64
    time_header  -                     the time is signed too: `<its value>.<body>`, and may be 300 s away
    kind, id, time, run, subject       paths into the body, such as `data.object.id` or `items[0].id`; the
                                       defaults are type, id, time, and none for run and subject
    ids          -                     {name: path}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from evidence.findings import Found
from evidence.receivers.contract import Cause, Delivery, Refused, Rule
from evidence.receivers.reading import (
    digest_of,
    event_id_of,
    ids_of,
    json_of,
    kind_of,
    text,
    time_of,
)
from evidence.receivers.signatures import (
    ALGORITHMS,
    check_mac,
    check_time,
    from_base64,
    from_hex,
    keys_of,
)

VENDOR = "generic_hmac"
RULES = (
    Rule(
        match="*",
        kind="*",
        ids="as the receiver's settings name them",
        note="without a kind in the body it is event; without an id the body's digest stands in",
    ),
)
_DECODERS = {"hex": from_hex, "base64": from_base64}
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)
_ID = re.compile(r"\S{1,60}")
_STEP = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one sender signs and where it writes what."""

    header: str = "x-hub-signature-256"
    prefix: str = "sha256="
    algorithm: str = "sha256"
    encoding: str = "hex"
    time_header: str = ""
    kind: str = "type"
    id: str = "id"
    time: str = "time"
    run: str = ""
    subject: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)


def settings_of(words: Mapping[str, Any]) -> Settings:
    """Raises Refused(misconfigured) with the sentence for the person who wrote them; unknown words are left out."""
    known = {name: words[name] for name in Settings.__dataclass_fields__ if name in words}
    ids = known.pop("ids", {})
    pairs = (*known.items(), *(ids.items() if isinstance(ids, Mapping) else [("ids", ids)]))
    for name, value in pairs:
        if not isinstance(value, str):
            raise Refused(Cause.MISCONFIGURED, f"The setting {name} must be a text.")
    settings = Settings(**known, ids=ids)
    if settings.algorithm not in ALGORITHMS:
        raise Refused(Cause.MISCONFIGURED, f"algorithm must be one of {sorted(ALGORITHMS)}.")
    if settings.encoding not in _DECODERS:
        raise Refused(Cause.MISCONFIGURED, "encoding must be hex or base64.")
    _check_names(settings)
    return settings


def _check_names(settings: Settings) -> None:
    """Raises Refused(misconfigured): no delivery could have such a header, and no list such an id."""
    for header in filter(None, (settings.header, settings.time_header)):
        if not _HEADER.fullmatch(header):
            raise Refused(Cause.MISCONFIGURED, f"{header[:60]!r} is no name of a header.")
    for name in settings.ids:
        if not _ID.fullmatch(name):
            raise Refused(
                Cause.MISCONFIGURED,
                f"{name[:60]!r} in ids has blanks, or is longer than 60 characters.",
            )


def verify(
    raw: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    *,
    now: datetime,
    settings: Mapping[str, Any],
) -> None:
    """Raises Refused."""
    scheme, keys = settings_of(settings), keys_of(secrets)
    code = headers.get(scheme.header.lower(), "").strip()
    if not code.startswith(scheme.prefix) or code == scheme.prefix:
        raise Refused(
            Cause.NO_SIGNATURE, f"The {scheme.header} header is missing or lacks {scheme.prefix!r}."
        )
    given = _DECODERS[scheme.encoding](code.removeprefix(scheme.prefix))
    if not scheme.time_header:
        check_mac([given], raw, keys, scheme.algorithm)
        return
    stamp = headers.get(scheme.time_header.lower(), "").strip()
    if not stamp:
        raise Refused(Cause.NO_SIGNATURE, f"The {scheme.time_header} header is missing.")
    check_mac([given], stamp.encode(errors="replace") + b"." + raw, keys, scheme.algorithm)
    check_time(stamp, now=now)


def read(raw: bytes, headers: Mapping[str, str], settings: Mapping[str, Any]) -> Delivery:  # noqa: ARG001 - all is in the body
    """Raises Refused when the body is no JSON or the settings are wrong."""
    where, body = settings_of(settings), json_of(raw)
    delivery_id = _text_at(body, where.id) or digest_of(raw)
    kind = kind_of(_text_at(body, where.kind)) or "event"
    run, subject = _text_at(body, where.run), _text_at(body, where.subject)
    found = Found(
        kind=kind,
        ids=ids_of(**{name: _text_at(body, path) for name, path in where.ids.items()}),
        occurred_at=time_of(at_path(body, where.time)),
        subject=subject if len(subject) <= 200 else "",
        payload=body,
        summary=kind,
        rule=RULES[0].match,
        event_id=event_id_of(delivery_id),
        run=run if len(run) <= 200 else "",
    )
    return Delivery(id=delivery_id, found=(found,))


def at_path(value: Any, path: str) -> Any:
    """What lies at `data.items[0].id` (a leading `$.` is taken too); None when it is not there."""
    steps = _STEP.findall(path.removeprefix("$"))
    for step in steps:
        if isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if len(step) < 6 and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value if steps else None


def _text_at(value: Any, path: str) -> str:
    return text(at_path(value, path))
