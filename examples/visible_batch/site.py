"""Where the page stands: served by a program of its own (`--serve`), or by the batch itself for as long as it lasts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from examples.serving import served
from examples.visible_batch.page import Page, is_page
from examples.visible_batch.results import Results


@contextmanager
def site(work_dir: Path, results: Results) -> Iterator[str]:
    """Its address. One that stands already is used: what it shows outlives the batch, as pages do."""
    standing = f"http://127.0.0.1:{_port_kept(work_dir)}"
    if is_page(standing):
        yield standing
        return
    with served(Page(results).answer, port=_port_kept(work_dir)) as url:
        _keep_port(work_dir, url)
        yield url


def serve(work_dir: Path, results: Results) -> None:
    """Until a signal ends the program."""
    with site(work_dir, results) as url:
        print(f"visible batch: the page is at {url}/results", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


def _port_kept(work_dir: Path) -> int:
    """That of the last time: a page whose address stays is watched by one probe that stays as it is."""
    kept = work_dir / "port"
    return int(kept.read_text()) if kept.exists() else 0


def _keep_port(work_dir: Path, url: str) -> None:
    (work_dir / "port").write_text(url.rpartition(":")[2])
