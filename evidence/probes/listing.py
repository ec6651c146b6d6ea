"""Lists a folder of a store, up to a measure: the stores' own libraries would read all of it first.

Each gives entries with name, size, type and the time and tag under the store's own words; deeper folders are
entries of the type directory.
"""

from collections.abc import Awaitable, Callable
from typing import Any

Entries = list[dict[str, Any]]
Lister = Callable[[Any, str, int], Awaitable[Entries]]
"""From the store, the folder and the most that are wanted: so many at least, if there are so many."""


async def list_s3(store: Any, folder: str, most: int) -> Entries:
    """FileNotFoundError when there is no such bucket."""
    bucket, _, path = folder.partition("/")
    asked = {"Bucket": bucket, "Prefix": f"{path}/" if path else "", "Delimiter": "/"}
    found: Entries = []
    while True:
        page = await store._call_s3("list_objects_v2", **asked)  # noqa: SLF001 - of the library
        found += [_of_s3(bucket, each) for each in page.get("Contents", [])]
        found += [_folder(bucket, each["Prefix"]) for each in page.get("CommonPrefixes", [])]
        if len(found) >= most or not page.get("IsTruncated"):
            return found
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _of_s3(bucket: str, told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "name": f"{bucket}/{told['Key']}", "size": told["Size"], "type": "file"}


def _folder(place: str, path: str) -> dict[str, Any]:
    return {"name": f"{place}/{path}".rstrip("/"), "size": 0, "type": "directory"}


async def list_google(store: Any, folder: str, most: int) -> Entries:
    """FileNotFoundError when there is no such bucket or folder."""
    return list(await store._ls(folder, detail=True, max_results=most))  # noqa: SLF001


async def list_azure(store: Any, folder: str, most: int) -> Entries:
    """FileNotFoundError when there is no such container."""
    container, _, path = folder.partition("/")
    found: Entries = []
    async with store.service_client.get_container_client(container) as place:
        told = place.walk_blobs(name_starts_with=f"{path}/" if path else None, include=["metadata"])
        try:
            async for blob in told:
                found.append(_of_azure(container, blob))
                if len(found) >= most:
                    break
        except Exception as error:  # the library's own types come with the extra package
            if getattr(error, "status_code", None) == 404:
                raise FileNotFoundError(folder) from error
            raise
    return found


def _of_azure(container: str, blob: Any) -> dict[str, Any]:
    """A blob may stand for a folder, of stores with a hierarchy."""
    metadata = {name.lower(): word for name, word in (blob.get("metadata") or {}).items()}
    if blob.get("last_modified") is None or metadata.get("hdi_isfolder") == "true":
        return _folder(container, blob.name)
    return {
        "name": f"{container}/{blob.name}",
        "size": blob.size,
        "last_modified": blob.last_modified,
        "etag": blob.etag,
        "type": "file",
    }


LISTERS: dict[str, Lister] = {"s3": list_s3, "gs": list_google, "az": list_azure}
"""A folder of this machine is listed by its library: the operator opened it."""
