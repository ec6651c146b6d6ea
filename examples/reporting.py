"""What the examples tell Luota: one run, its evidence, its claim, by the public HTTP API and nothing else."""

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests

PATIENCE_SECONDS = 30.0
"""How long a signal is repeated while Luota is away; the same eventId is stored once."""
TRY_AGAIN = frozenset({429, 502, 503, 504})
CONTRARY = 409
ITEMS_MOST = 1000
"""Pieces of one batch call."""


class NotTaken(Exception):
    """Luota did not take a signal; the sentence says why."""


@dataclass(slots=True, kw_only=True)
class Reporter:
    """One run of one monitor, from its start to its claim."""

    base_url: str
    token: str
    monitor_id: str
    run_name: str
    """Our name for this run, externalRunId in the API."""
    subject: str
    deploy_sha: str = ""
    run_id: str = ""
    round: str = ""
    """Which of several times the same is told of the same run: each of them is told once."""
    _session: requests.Session = field(init=False)

    def __post_init__(self) -> None:
        self._session = session_for(self.base_url, self.token)

    def start(self, **words: Any) -> None:
        """`words` as in the API: payload, tags, expected."""
        body = {
            "monitorId": self.monitor_id,
            "externalRunId": self.run_name,
            "subject": self.subject,
            **words,
        }
        self.run_id = str(self._send("/v1/runs/start", "start", body)["runId"])

    def evidence(self, kind: str, **words: Any) -> None:
        """One piece of evidence; `words` as in the API: ids, payload, output, exitCode, freshAsOf."""
        self._send(f"/v1/runs/{self.run_id}/evidence", kind, {"kind": kind, **words})

    def members(self, kind: str, pieces: Mapping[str, Mapping[str, Any]]) -> None:
        """One piece of evidence for each member of a batch, {member: words as above}; many in one call."""
        items = [self._item(kind, member, words) for member, words in pieces.items()]
        for begin in range(0, len(items), ITEMS_MOST):
            answer = self._post("/v1/evidence", items[begin : begin + ITEMS_MOST])
            if answer.get("refused"):
                refused = [each for each in answer["results"] if each["status"] >= 300]
                raise NotTaken(f"Luota refused {len(refused)} members: {refused[0]}")

    def success(self, summary: str = "", **words: Any) -> None:
        self._send(f"/v1/runs/{self.run_id}/success", "success", {"summary": summary, **words})

    def fail(self, summary: str, **words: Any) -> None:
        self._send(f"/v1/runs/{self.run_id}/fail", "fail", {"summary": summary, **words})

    def _send(self, path: str, event: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._post(path, self._signal(event, body))

    def _item(self, kind: str, member: str, words: Mapping[str, Any]) -> dict[str, Any]:
        ids = {"member": member, **words.get("ids", {})}
        body = {"runId": self.run_id, "kind": kind, **words, "ids": ids}
        return self._signal(f"{kind}:{member}", body)

    def _signal(self, event: str, body: Mapping[str, Any]) -> dict[str, Any]:
        context = {"host": socket.gethostname(), "deploySha": self.deploy_sha}
        event_id = ":".join(filter(None, (self.run_name, event, self.round)))
        return {"eventId": event_id, **context, **body}

    def _post(
        self, path: str, body: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Raises NotTaken when it is refused, or when Luota stays away."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._try(path, body)
            if isinstance(answer, requests.Response) and answer.status_code not in TRY_AGAIN:
                return _receipt(answer)
            if time.monotonic() > deadline:
                raise NotTaken(f"{self.base_url} does not take signals: {_why(answer)}")
            time.sleep(1)

    def _try(self, path: str, body: Any) -> requests.Response | Exception:
        try:
            return self._session.post(f"{self.base_url}{path}", json=body, timeout=10)
        except (requests.ConnectionError, requests.Timeout) as error:
            return error


def session_for(base_url: str, token: str) -> requests.Session:
    """A session that knows the token."""
    session = requests.Session()
    session.headers["X-Luota-Key"] = token
    session.trust_env = not _is_here(base_url)  # a proxy does not know our localhost
    return session


def _receipt(answer: requests.Response) -> dict[str, Any]:
    if not answer.ok and answer.status_code != CONTRARY:
        raise NotTaken(f"Luota refused a signal: {_why(answer)}")
    return dict(answer.json())


def _why(answer: requests.Response | Exception) -> str:
    if isinstance(answer, Exception):
        return type(answer).__name__
    return f"{answer.status_code} {answer.text[:300]}"


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
