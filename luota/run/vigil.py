"""What the supervisor looks at each second: make, the engines, and the moment when the site answers."""

import json
import socket
import sys
from typing import Any

from django.conf import settings

from luota import embedded
from luota.run.kinship import MakeParent, end_leaderless
from luota.run.supervise import stop_everything

SLOW_EVERY = 5
"""Looks between two of the dear ones, which cost some milliseconds each."""


class Vigil:
    """Remembers, between two looks, what was said and what went wrong."""

    def __init__(self) -> None:
        self.wrong = ""
        self._make = MakeParent()
        self._looks = 0
        self._has_announced = False

    def look(self) -> None:
        """Called each second in a thread of its own."""
        self._looks += 1
        if self._make.is_leaving():
            stop_everything()
        if not self._has_announced and _answers():
            self._has_announced = True
            announce()
        if self._looks % SLOW_EVERY == 0:
            end_leaderless()
            self._keep_engines()

    def _keep_engines(self) -> None:
        if not settings.IS_BUNDLED or embedded.is_running(settings.LUOTA_HOME):
            return
        try:
            embedded.revive(settings.LUOTA_HOME)
        except embedded.EngineError as error:
            self.wrong = f"An engine died and cannot be started again. {error}"
            stop_everything()
        else:
            _print("luota: An engine had died and was started again; nothing accepted was lost.")


def announce() -> None:
    """Say where the site is, how to sign in, and what to try first."""
    lines = ["", f"  Luota is at    {settings.BASE_URL}"]
    demo = _read_demo()
    if demo:
        ping = f"{settings.BASE_URL}/v1/monitors/{demo['monitorId']}/ping"
        lines += [
            f"  sign in with   {demo['email']}   {demo['password']}",
            "  then look      in about a minute a broken restore drill stands beside a good one: read its file",
            f"  break it       make drill BREAK=stale{_home()}   (or dump, encrypt, decrypt, restore)",
            f"  mend it        make drill{_home()}   (a minute later, when its file is open)",
            f"  send a signal  curl -X POST -H 'X-Luota-Key: {demo['ingestToken']}' {ping}",
            f"  for support    {settings.BASE_URL}/admin/ (its login is in demo.json)",
            f"  all of this    {settings.LUOTA_HOME / 'demo.json'}",
        ]
    _print("\n".join([*lines, "  Ctrl-C stops everything.", ""]))


def _answers() -> bool:
    try:
        with socket.create_connection((settings.HOST, settings.PORT), timeout=1):
            return True
    except OSError:
        return False


def _home() -> str:
    """What `make` must be told besides, when this is not the home it takes by itself."""
    is_usual = settings.LUOTA_HOME == settings.BASE_DIR / ".luota"
    return "" if is_usual else f" LUOTA_HOME={settings.LUOTA_HOME}"


def _read_demo() -> dict[str, Any]:
    path = settings.LUOTA_HOME / "demo.json"
    return dict(json.loads(path.read_text())) if settings.DEMO and path.exists() else {}


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
