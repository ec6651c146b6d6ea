"""`manage.py blueprint_schema`: writes the published JSON Schema of monitors as code."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from luota.portal.blueprints.fields import file_schema


class Command(BaseCommand):
    help = "Write docs/blueprint.schema.json from the fields that `apply` reads."

    def handle(self, *_args: object, **_options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "blueprint.schema.json"
        path.write_text(json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n")
        self.stdout.write(f"{path} is written.")
