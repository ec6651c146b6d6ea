"""The receivers of Luota that an example's vendors deliver to: given by hand, or made by the public API for a demo."""

import argparse
import base64
import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from examples.reporting import session_for


def add_receiver(
    parser: argparse.ArgumentParser, demo: Mapping[str, Any], name: str, vendor: str
) -> None:
    """The arguments --NAME-receiver and --NAME-secret; of a demo they need not be given."""
    found = _find_or_make_receiver(demo["home"], vendor) if demo else {}
    for word, words in (
        ("receiver", f"the address of a receiver for {vendor.capitalize()}"),
        ("secret", "what it signs with, whsec_…"),
    ):
        value = found.get(word)
        parser.add_argument(f"--{name}-{word}", default=value, required=value is None, help=words)


def session_to(address: str) -> requests.Session:
    """For vendors, which know no token; a proxy does not know our localhost."""
    session = session_for(address, "")
    del session.headers["X-Luota-Key"]
    return session


def _find_or_make_receiver(home: Path, vendor: str) -> dict[str, str]:
    """{"receiver": address, "secret": …}: Luota never tells a secret again, so it is kept beside demo.json."""
    kept, demo = home / f"receiver-{vendor}.json", json.loads((home / "demo.json").read_text())
    base_url, session = demo["baseUrl"], session_for(demo["baseUrl"], demo["managementToken"])
    if kept.exists():
        found: dict[str, str] = json.loads(kept.read_text())
        receiver_id = found["receiver"].rpartition("/")[2]
        if session.get(f"{base_url}/v1/receivers/{receiver_id}", timeout=10).ok:
            return found
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    name = f"{vendor.capitalize()} of the examples {secrets.token_hex(2)}"
    body = {"vendor": vendor, "name": name, "secret": secret}
    made = session.post(f"{base_url}/v1/receivers", json=body, timeout=10)
    if made.status_code != 201:
        sys.exit(f"Luota does not give a receiver: {made.status_code} {made.text[:300]}")
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({"receiver": made.json()["address"], "secret": secret}))
    return dict(json.loads(kept.read_text()))
