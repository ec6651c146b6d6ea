"""`manage.py seed_demo`: the demo workspace, its monitors and keys, written to demo.json in LUOTA_HOME."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from luota.lib import clock
from luota.portal.demo.seed import seed


class Command(BaseCommand):
    help = "Make the demo workspace; nothing is made twice, and its keys stay the same."

    def handle(self, *_args: object, **options: Any) -> None:
        path = settings.LUOTA_HOME / "demo.json"
        _write(path, seed(known=_read(path), now=clock.now()))
        if options["verbosity"]:
            self.stdout.write(f"The demo workspace is ready; {path} tells its keys.")


def _read(path: Path) -> dict[str, Any]:
    """Empty when there is none, or none that can be read: then keys are made anew."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, demo: dict[str, Any]) -> None:
    """Only its owner may read it; a start that is killed leaves the old one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(demo, indent=2) + "\n")
    aside.replace(path)
