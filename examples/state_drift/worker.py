"""The Celery application: one task, on a queue and in a Redis database of its own, far from the product's.

The worker is one of the many that write a refusal to a log, acknowledge the task and take the next one.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery

from examples.reporting import Reporter
from examples.state_drift.customers import Customers
from examples.state_drift.third_party import external_id, put_state

QUEUE = "state_drift"
DATABASE = 5
"""Of Redis: the product uses 0."""
REDIS_URL, INGEST_TOKEN = "STATE_DRIFT_REDIS_URL", "STATE_DRIFT_TOKEN"
_PREFIX = {"global_keyprefix": "state_drift:"}

app = Celery("state_drift", fixups=[], set_as_current=False)
app.conf.update(
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
    broker_transport_options=_PREFIX,
    result_backend_transport_options=_PREFIX,
    result_expires=600,
    worker_prefetch_multiplier=1,
)


def connect(redis_url: str) -> None:
    """`redis_url` as the product knows it; another database of the same server is used."""
    scheme, _, place = redis_url.partition("://")
    if scheme == "unix":
        url = f"redis+socket://{place}?virtual_host={DATABASE}"
    else:
        server = place.partition("/")[0]
        url = f"{scheme}://{server}/{DATABASE}"
    app.conf.update(broker_url=url, result_backend=url)


@app.task(name="state_drift.update_customer")
def update_customer(*, order: dict[str, Any], customer: str, state: str) -> dict[str, Any]:
    """Tell the third party; keep its answer, whatever it is; say success. What the answer means for a retry."""
    external = external_id(customer)
    reporter = Reporter(**order["reporter"], token=os.environ[INGEST_TOKEN])
    told = put_state(order["api_url"], external, state)
    reporter.evidence(
        "third_party_status",
        ids={"external": external, "customer": customer},
        payload={"state": told.state, **told.facts},
        summary=told.sentence,
        output=told.body,
    )
    if told.status < 300:
        Customers(Path(order["database"])).set_state(customer, told.state)
    reporter.success(exitCode=0)
    return told.facts


if redis_url := os.environ.get(REDIS_URL):
    connect(redis_url)
