"""`manage.py export`: prints monitors as YAML that `manage.py apply` takes back without a change."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from luota.portal.blueprints.choosing import Unclear, choose_workspace
from luota.portal.blueprints.exporting import blueprint_of, export, monitors_of


class Command(BaseCommand):
    help = "Print the monitors of a workspace as files of YAML."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", default="", help="Its id or name, if there are several.")
        parser.add_argument(
            "--monitor", action="append", metavar="NAME", help="Only this one; may be repeated."
        )

    def handle(self, *_args: object, **options: Any) -> None:
        try:
            workspace = choose_workspace(options["workspace"])
        except Unclear as error:
            raise CommandError(str(error)) from error
        found = {monitor.name: monitor for monitor in monitors_of(workspace.pk)}
        names = options["monitor"] or list(found)
        if unknown := [name for name in names if name not in found]:
            raise CommandError(f"No monitor is called “{unknown[0]}”.")
        self.stdout.write(export(blueprint_of(found[name]) for name in names), ending="")
