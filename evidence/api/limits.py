"""The size limits of the ingestion contract, in bytes unless said otherwise."""

import re

from evidence import signals

KIB = 1024
PAYLOAD_BYTES = signals.PAYLOAD_BYTES
OUTPUT_BYTES = 32 * KIB
TAGS_MOST = 16
ITEMS_MOST = 1000
"""Items of one batch call."""
KEYS_MOST = 10_000
"""Keys of one part of a list."""

_BATCH_BODY = 5 * KIB * KIB
_LONG_BODY = 256 * KIB
"""JSON escaping can multiply an output of 32 KiB."""
_LIST_BODY = 2 * KIB * KIB
_BODY = 72 * KIB
RECEIVED_BODY = _LONG_BODY
"""A webhook's body, of vendors that send one event at a time."""
RECEIVED_BATCH = _BATCH_BODY
_PORTAL_BODY = 1024 * KIB
_LONG_PATHS = re.compile(
    r"^/v1/(runs/close|runs/[^/]+/(success|fail|nothing|evidence)|monitors/[^/]+/evidence)$"
)

_LIST_PATH = re.compile(r"^/v1/monitors/[^/]+/expect$")


def body_limit(path: str) -> int:
    """The most bytes that a body may have at this path."""
    if path.startswith("/in/"):
        return RECEIVED_BATCH  # the receiver's own limit is told once it is known
    if not path.startswith("/v1/"):
        return _PORTAL_BODY
    if path == "/v1/evidence":
        return _BATCH_BODY
    if _LIST_PATH.match(path):
        return _LIST_BODY
    return _LONG_BODY if _LONG_PATHS.match(path) else _BODY
