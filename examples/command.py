"""The command line that the examples share: where Luota is, which monitor, what to break.

`--demo FILE` takes all of it from the demo.json that `make run` writes.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What is known of an example before its command line is read."""

    program: str
    """`visible_batch` of `python -m examples.visible_batch`."""
    monitor: str
    """The name of its promise, which `manage.py apply blueprints/….yaml` makes."""
    breaks: Iterable[str]


def parser_of(
    example: Example, description: str | None, arguments: Sequence[str]
) -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """The parser, to which more may be added, and what demo.json says, {} without `--demo`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m examples.{example.program}", description=description
    )
    parser.add_argument(
        "--demo", type=Path, help="the demo.json of `make run`, for all that follows"
    )
    known, _ = parser.parse_known_args([word for word in arguments if word not in {"-h", "--help"}])
    demo = read_demo(known.demo, example) if known.demo else {}
    for name, words in (
        ("base-url", "where Luota is"),
        ("token", "an ingest token"),
        ("monitor", "the id of this promise's monitor"),
        ("work-dir", "for what the example itself stores"),
    ):
        value = demo.get(name)
        parser.add_argument(f"--{name}", default=value, required=value is None, help=words)
    parser.add_argument("--deploy-sha", default=commit(), help="which version of the job this is")
    parser.add_argument(
        "--break", dest="broken", choices=example.breaks, help="make it fail, on purpose"
    )
    return parser, demo


def read_demo(path: Path, example: Example) -> dict[str, Any]:
    """{argument: value}; leaves with a sentence when there is no demo to stand on."""
    try:
        demo = json.loads(path.read_text())
    except FileNotFoundError:
        sys.exit(f"{example.program}: there is no {path}: start `make run` first.")
    shown = demo["examples"]
    return {
        "base-url": demo["baseUrl"],
        "token": shown["token"],
        "monitor": shown["monitors"][example.monitor],
        "work-dir": str(path.resolve().parent / "examples" / example.program),
        "home": path.resolve().parent,
        "management-token": demo["managementToken"],
    }


def commit() -> str:
    """The checkout's commit; empty where there is none."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return found.stdout.strip()
