"""The demo's line to Luota: the public ingestion API. A web server that is away now is back at the next signal."""

import json
import logging
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_SECONDS = 5
_log = logging.getLogger(__name__)


class Line:
    """Sends signals of named monitors. Nothing is repeated: one that is lost is followed by the next."""

    def __init__(self, *, base_url: str, token: str, monitors: dict[str, str]) -> None:
        self._base_url = base_url
        self._headers = {"X-Luota-Key": token, "Content-Type": "application/json"}
        self._monitors = monitors
        self._opener = build_opener(ProxyHandler({}))  # a proxy does not know our localhost

    def is_answered(self) -> bool:
        try:
            with self._opener.open(f"{self._base_url}/livez", timeout=TIMEOUT_SECONDS):
                return True
        except OSError:
            return False

    def ping(self, monitor: str, **words: Any) -> None:
        self._send(f"/v1/monitors/{self._monitors[monitor]}/ping", words)

    def evidence(self, monitor: str, kind: str, **words: Any) -> None:
        self._send(f"/v1/monitors/{self._monitors[monitor]}/evidence", {"kind": kind} | words)

    def _send(self, path: str, body: dict[str, Any]) -> None:
        request = Request(  # noqa: S310 -- our own address
            f"{self._base_url}{path}", json.dumps(body).encode(), self._headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                answer.read()
        except OSError as error:
            _log.warning("A signal of the demo was not taken (%s): %s", path, error)
