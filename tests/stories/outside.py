"""Examples with vendors in their stories: monitors from the example's document, receivers bound to one of them each."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.processes import ROOT, Product

JUDGED_SECONDS = 90
"""Longer than any deadline in these stories, on a machine that is busy with other tests."""
SECRET = f"whsec_{base64.b64encode(b'a key of 24 bytes, about').decode()}"


class Stage:
    """One product, and for each name a monitor of its own with what the vendors deliver to."""

    def __init__(self, product: Product, example: str, vendors: Mapping[str, str]) -> None:
        """`vendors` are {argument: vendor}, as in {"mail": "resend"}."""
        self.product = product
        self.example = example
        self.vendors = vendors
        self.document = self.document_of(example)
        self.monitors: dict[str, str] = {}
        self.receivers: dict[str, dict[str, str]] = {}

    @staticmethod
    def document_of(example: str) -> dict[str, Any]:
        """The body of POST /v1/monitors for its promise."""
        path = ROOT / "examples" / example / f"{example.replace('_', '-')}.json"
        return dict(json.loads(path.read_text()))

    def watch(self, name: str, **rules: Any) -> None:
        body = {key: value for key, value in self.document.items() if key != "spec"}
        body |= {"name": name, "ownerLabel": "Revenue"}
        monitor_id = self.product.create_monitor(spec=self.document["spec"] | rules, **body)
        self.monitors[name] = monitor_id
        self.receivers[name] = {
            argument: self._receiver(f"{vendor} {name}", vendor, monitor_id)
            for argument, vendor in self.vendors.items()
        }

    def start(self, name: str, broken: str = "") -> "subprocess.Popen[str]":
        command = [
            *(sys.executable, "-m", f"examples.{self.example}"),
            *("--base-url", self.product.base_url, "--token", self.product.ingest_token),
            *("--monitor", self.monitors[name], "--deploy-sha", "5eed5eed"),
            *("--work-dir", str(self.product.place / "examples" / name)),
        ]
        for argument, address in self.receivers[name].items():
            command += [f"--{argument}-receiver", address, f"--{argument}-secret", SECRET]
        command += ["--break", broken] if broken else []
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def file_of(self, name: str) -> dict[str, Any]:
        """The one file about this monitor, waited for."""
        product, monitor_id = self.product, self.monitors[name]
        files = product.wait_for(lambda: product.files(monitor_id), seconds=JUDGED_SECONDS)
        assert len(files) == 1
        return dict(files[0])

    def proven_runs(self, name: str) -> list[dict[str, Any]]:
        query = "select id from monitors_run where monitor_id = %s order by id"
        runs = [self.product.read(f"/v1/runs/{uid}") for (uid,) in self._rows(query, name)]
        return [run for run in runs if run["state"] == "proven"]

    def evidence(self, name: str) -> list[tuple[Any, ...]]:
        """(kind, source, strength) of all that came, sorted."""
        query = "select kind, source, strength from evidence_evidence where monitor_id = %s"
        return sorted(self._rows(query, name))

    def _rows(self, query: str, name: str) -> list[tuple[Any, ...]]:
        return self.product.sql(query, self.monitors[name])

    def _receiver(self, name: str, vendor: str, monitor_id: str) -> str:
        body = {"vendor": vendor, "name": name, "secret": SECRET, "monitorId": monitor_id}
        answer = self.product.api("POST", "/v1/receivers", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["address"])


def finish(process: "subprocess.Popen[str]") -> str:
    """What it said; a program that is broken on purpose still believes in itself."""
    said, complaints = process.communicate(timeout=JUDGED_SECONDS)
    assert process.returncode == 0, complaints
    assert complaints == ""
    return said
