"""For the schemathesis program (test_schema_live): each call gets its token, and names what exists."""

import json
import os
from typing import Any

import schemathesis

KNOWN: dict[str, str] = json.loads(os.environ["KNOWN"])
INGESTION = ("ping", "evidence", "start", "close", "success", "fail", "heartbeat", "expect")


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: Any) -> None:
    """Generated names are unknown ones: three of four calls would end at the 401."""
    is_ingestion = case.path.rsplit("/", 1)[-1] in INGESTION
    case.headers = dict(case.headers or {}) | {
        "X-Luota-Key": KNOWN["ingest" if is_ingestion else "management"]
    }
    for name in (case.path_parameters or {}).keys() & KNOWN.keys():
        case.path_parameters[name] = KNOWN[name]
    if case.method.upper() == "DELETE" and "monitor_id" in (case.path_parameters or {}):
        case.path_parameters["monitor_id"] = KNOWN["doomed_monitor_id"]
    if is_ingestion and isinstance(case.body, dict) and "monitorId" in case.body:
        case.body["monitorId"] = KNOWN["monitor_id"]
