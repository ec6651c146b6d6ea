"""The demo's monitors, as bodies of POST /v1/monitors. The restore drill is real; the others are played.

Played ones carry the tag `simulated`, so that nobody takes them for a workflow of this machine.
"""

import json
from pathlib import Path
from typing import Any

WORKER, INDEX, REPORTS, IMPORTS, DRILL = (
    "Mail worker",
    "Search index",
    "Daily report",
    "Product import",
    "Restore drill",
)
_DRILL_FILE = Path(__file__).resolve().parents[3] / "examples/restore_drill/monitor.json"
_RUNBOOKS = "https://runbooks.luota.example"


def promises() -> list[dict[str, Any]]:
    """Each with its name, by which it is found again at the next start."""
    return [_DRILL | json.loads(_DRILL_FILE.read_text()), _REPORTS, _IMPORTS, _INDEX, _WORKER]


_DRILL = {"ownerLabel": "Platform", "runbookUrl": f"{_RUNBOOKS}/restore"}
_WORKER = {
    "name": WORKER,
    "promise": "The worker that sends mails is alive and takes work.",
    "mode": "heartbeat",
    "severity": "high",
    "ownerLabel": "Platform",
    "runbookUrl": f"{_RUNBOOKS}/mail-worker",
    "tags": ["mail", "simulated"],
    "spec": {"schedules": [{"interval": "1m"}], "grace": "1m"},
}
_INDEX = {
    "name": INDEX,
    "promise": "Customers find products as they were at most five minutes ago.",
    "mode": "freshness",
    "severity": "normal",
    "ownerLabel": "Search",
    "runbookUrl": f"{_RUNBOOKS}/search-index",
    "tags": ["search", "simulated"],
    "spec": {"maxAge": "5m"},
}
_REPORTS = {
    "name": REPORTS,
    "promise": "Each customer has the daily report in the inbox.",
    "mode": "run",
    "severity": "high",
    "ownerLabel": "Billing",
    "runbookUrl": f"{_RUNBOOKS}/daily-report",
    "tags": ["report", "simulated"],
    "spec": {
        "within": "30s",
        "comforts": [
            {"name": "cron", "claim": "Cron fired", "kind": "start"},
            {"name": "query", "claim": "The query completed", "kind": "query_completed"},
            {"name": "mail", "claim": "The mail server said 250", "kind": "mail_handed_over"},
            {"name": "job", "claim": "The job said success", "kind": "close"},
        ],
        "steps": [
            {
                "name": "delivered",
                "claim": "Delivery receipt of the mail provider",
                "kind": "delivery_receipt",
                "retryHint": "Sending again is safe once the address is right: the report id stays the same.",
            }
        ],
    },
}
_IMPORTS = {
    "name": IMPORTS,
    "promise": "Every product of a batch can be seen in the shop.",
    "mode": "run",
    "severity": "normal",
    "ownerLabel": "Catalogue",
    "runbookUrl": f"{_RUNBOOKS}/product-import",
    "tags": ["import", "simulated"],
    "spec": {
        "within": "1m",
        "warnAfter": "40s",
        "attempts": 2,
        "comforts": [
            {"name": "queue", "claim": "The queue is empty", "kind": "queue_drained"},
            {"name": "job", "claim": "The worker said success", "kind": "close"},
        ],
        "steps": [
            {
                "name": "persisted",
                "claim": "All rows are in the database",
                "kind": "rows_persisted",
                "retryHint": "The batch may be imported again: rows are matched by their SKU.",
            },
            {
                "name": "visible",
                "claim": "The shop shows the batch",
                "kind": "batch_visible",
                "retryHint": "Purge the shop's cache; the import itself need not be repeated.",
            },
        ],
    },
}
