"""What a look asks of a store of objects, all within one span of time: a counterparty that drips holds no thread.

Is nothing there, or is the place itself missing? The stores' libraries say "not found" for both; only the
first was seen.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem, sync
from fsspec.exceptions import FSTimeoutError

from evidence.probes.contract import LOOK_SECONDS, CannotLook, Obstacle
from evidence.probes.listing import LISTERS


class Reach:
    """A store, and until when it may be asked. To be closed."""

    def __init__(self, scheme: str, store: fsspec.AbstractFileSystem) -> None:
        self.scheme, self.store = scheme, store
        self._ends_at = monotonic() + LOOK_SECONDS

    def info(self, path: str) -> list[dict[str, Any]]:
        """The one object, or none. CannotLook when its place is missing; else what the store raises."""
        try:
            return [self._ask("info", path)]
        except FileNotFoundError:
            self._require_place(path)
            return []

    def listed(self, folder: str, *, most: int) -> Sequence[dict[str, Any]]:
        """What lies in the folder itself, `most` at least if there are so many. The same."""
        try:
            if self.scheme in LISTERS:
                return list(self._run(LISTERS[self.scheme], self.store, folder, most))
            return list(self.store.ls(folder, detail=True))
        except FileNotFoundError:
            self._require_place(folder)
            return []

    def beginning(self, path: str, length: int) -> bytes:
        """The first bytes; no more are read than asked for, also of a server that sends more."""
        if self.scheme == "s3":
            return bytes(self._run(self._beginning_of_s3, path, length))
        return bytes(self._ask("cat_file", path, start=0, end=length))[:length]

    def close(self) -> None:
        """Its connections; a store that never connected has none."""
        session = getattr(self.store, "_s3", None)
        if session is not None:
            with suppress(Exception):
                self._run(session.close)

    def _ask(self, name: str, *args: Any, **options: Any) -> Any:
        if isinstance(self.store, AsyncFileSystem):
            return self._run(getattr(self.store, f"_{name}"), *args, **options)
        return getattr(self.store, name)(*args, **options)

    def _run(self, ask: Callable[..., Any], *args: Any, **options: Any) -> Any:
        left = max(self._ends_at - monotonic(), 0.001)
        try:
            return sync(self.store.loop, ask, *args, timeout=left, **options)
        except FSTimeoutError as error:
            sentence = f"No whole answer within {LOOK_SECONDS:.0f} s."
            raise CannotLook(sentence, Obstacle.TIMEOUT) from error

    def _require_place(self, path: str) -> None:
        place = path.partition("/")[0]
        if self.scheme in _PLACES and not self._run(_PLACES[self.scheme], self.store, place):
            raise CannotLook(f"There is no `{place}` at {self.scheme}://.", Obstacle.PLACE)

    async def _beginning_of_s3(self, path: str, length: int) -> bytes:
        bucket, _, key = path.partition("/")
        found = await self.store._call_s3(  # noqa: SLF001 - of the library, which has no public one
            "get_object", Bucket=bucket, Key=key, Range=f"bytes=0-{length - 1}"
        )
        try:
            return bytes(await found["Body"].read(length))
        finally:
            found["Body"].close()


async def _has_bucket(store: Any, bucket: str) -> bool:
    try:
        await store._call_s3("list_objects_v2", Bucket=bucket, MaxKeys=1)  # noqa: SLF001
    except FileNotFoundError:
        return False
    return True


async def _has_google_bucket(store: Any, bucket: str) -> bool:
    try:
        await store._call("GET", "b/{}/o", bucket, maxResults=1, json_out=True)  # noqa: SLF001
    except FileNotFoundError:
        return False
    return True


async def _has_container(store: Any, container: str) -> bool:
    return bool(await store.service_client.get_container_client(container).exists())


_PLACES: dict[str, Callable[..., Any]] = {
    "s3": _has_bucket,
    "gs": _has_google_bucket,
    "az": _has_container,
}
