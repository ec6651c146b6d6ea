"""The third party: an API over HTTP with state of its own, and the client by which the worker updates it."""

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from examples.serving import Answer
from examples.state_drift.customers import Customers

REFUSED, TIMEOUT = "refused", "timeout"
"""How it can be broken on purpose."""
FIRST_STATE = "free"
CALL_SECONDS = 10
_STALLS_SECONDS = 0.2


class ThirdParty:
    """Customers by their external id, in a table of its own; broken, it answers and changes nothing."""

    def __init__(self, table: Customers, broken: str = "") -> None:
        self.table = table
        self.broken = broken

    def answer(self, method: str, path: str, body: str) -> Answer:
        """For examples.serving: GET and PUT of /customers/{external id}."""
        external = path.rpartition("/")[2]
        if method == "PUT" and self.broken == REFUSED:
            return _answer(409, error="account_locked", external=external)
        if method == "PUT" and self.broken == TIMEOUT:
            time.sleep(_STALLS_SECONDS)
            return _answer(500, retry_after="30", error="upstream_timeout", external=external)
        if method == "PUT":
            self.table.set_state(external, str(json.loads(body)["state"]))
        state = self.table.state_of(external) or FIRST_STATE
        return _answer(200, external=external, state=state)


def _answer(status: int, *, retry_after: str = "", **words: str) -> Answer:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Answer(status=status, body=json.dumps(words), headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the third party answered."""

    status: int
    body: str
    state: str
    """Empty when it told none."""
    retry_after: str

    @property
    def sentence(self) -> str:
        """ "409 Conflict: account_locked"."""
        words = f"{self.status} {HTTPStatus(self.status).phrase}"
        error = _read(self.body).get("error")
        return f"{words}: {error}" if error else words

    @property
    def facts(self) -> dict[str, Any]:
        """For whoever retries: the same call may do better later, but what was refused stays refused."""
        return {
            "status": self.status,
            "mayBeRepeated": self.status >= 500 or self.status == 429,
            "retryAfterSeconds": int(self.retry_after or 0),
        }


def put_state(api_url: str, external: str, state: str) -> Told:
    return _told(
        _session().put(_place(api_url, external), json={"state": state}, timeout=CALL_SECONDS)
    )


def get_state(api_url: str, external: str) -> Told:
    return _told(_session().get(_place(api_url, external), timeout=CALL_SECONDS))


def external_id(customer: str) -> str:
    return f"ext-{customer}"


def _place(api_url: str, external: str) -> str:
    return f"{api_url}/customers/{external}"


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy does not know our localhost
    return session


def _told(answer: requests.Response) -> Told:
    return Told(
        status=answer.status_code,
        body=answer.text,
        state=str(_read(answer.text).get("state", "")),
        retry_after=answer.headers.get("Retry-After", ""),
    )


def _read(body: str) -> dict[str, Any]:
    try:
        return dict(json.loads(body))
    except ValueError:
        return {}
