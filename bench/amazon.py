"""The product's web application with one thing replaced: Amazon answers with the bench's own certificate."""

import os
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
django.setup()

from evidence import certificates  # noqa: E402
from luota.lib.outbound import Answer  # noqa: E402
from luota.wsgi import application  # noqa: E402

__all__ = ["CERTIFICATE", "application"]

CERTIFICATE = Path(os.environ["LUOTA_HOME"]) / "bench-sns.pem"


def ask(url: str) -> Answer:  # noqa: ARG001 - whatever it is asked for
    pem = CERTIFICATE.read_text()
    return Answer(status=200, reason="OK", head=pem, retry_after="", location="")


certificates._ask = ask  # noqa: SLF001 - the one place where Amazon is reached
