"""`manage.py apply FILE`: makes or changes the monitors that files describe; `--dry-run` only says how.

Exits with 0 when nothing is left to do, 1 when something is refused, and with `--dry-run` 2 when
there are changes.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from luota.lib import clock
from luota.lib.yaml_text import MOST_BYTES
from luota.portal.blueprints.choosing import Unclear, choose_actor, choose_workspace
from luota.portal.blueprints.files import FilesRefused, Reading, Refusal
from luota.portal.blueprints.plans import Verb, carry_out, plan
from luota.portal.blueprints.report import report

CHANGES = 2


class Command(BaseCommand):
    help = "Make or change the monitors that files of YAML describe; found again by their name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="`-` is the standard input.")
        parser.add_argument("--workspace", default="", help="Its id or name, if there are several.")
        parser.add_argument("--by", default="", metavar="EMAIL", help="Who stands in the audit.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only print what would change; exits with 2 if anything would.",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        now = clock.now()
        try:
            workspace = choose_workspace(options["workspace"])
            actor = choose_actor(workspace, options["by"])
            plans = plan(_read(options["files"], now), workspace_id=workspace.pk)
            if not options["dry_run"]:
                carry_out(plans, workspace_id=workspace.pk, actor=actor, now=now)
        except (Unclear, FilesRefused) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(report(plans, is_done=not options["dry_run"]))
        if options["dry_run"] and any(each.verb is not Verb.KEEP for each in plans):
            sys.exit(CHANGES)


def _read(names: Iterable[str], now: datetime) -> Reading:
    """Of every file what it says and what is wrong with it, also when it cannot be opened."""
    reading = Reading()
    for name in names:
        try:
            reading.add(_bytes_of(name), source=name, now=now)
        except OSError as error:
            said = f"{error.strerror}."
            reading.refusals.append(Refusal(source=name, spot=None, field="", sentence=said))
    return reading


def _bytes_of(name: str) -> bytes:
    """One byte more than may be read, where there are as many. `-` is the standard input."""
    if name == "-":
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MOST_BYTES + 1)
