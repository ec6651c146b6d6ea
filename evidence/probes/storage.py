"""Opens the stores of objects with a user's credentials and nothing else: never with those of this machine.

Each library would otherwise look for credentials in the environment, in files and in the metadata service.
A secret is a JSON object of the few options below; an endpoint in it is checked like every address of a user.
"""

import re
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import fsspec
import orjson

from evidence.probes import google
from evidence.probes.contract import CannotLook, Obstacle, Permits
from evidence.probes.measured import Measure, MeasuredSocket
from luota.lib.guard import AddressRefused, Unreachable, is_allowed, is_of_web, resolve

Opener = Callable[[str, Permits], fsspec.AbstractFileSystem]
"""From the secret, and what is permitted, to the store. CannotLook."""

_FRESH = {"skip_instance_cache": True, "use_listings_cache": False}
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CREDENTIAL = re.compile(r"[!-:<-~]{1,2000}")
"""Printable ASCII but for the semicolon."""
_EXTRAS = {"s3": "s3", "gs": "gcs", "az": "azure"}
MOST_BYTES = 16 * 1024 * 1024
"""Of all that a store with an endpoint of its own sends in one look; 10,000 objects with long names take most of it."""
_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 10, "retries": {"max_attempts": 1}}


# The package's first choice asks Google by gRPC what kind of bucket it is: a right that a reader lacks,
# and a minute of waiting that nobody can shorten.
fsspec.register_implementation("gs", "gcsfs.core.GCSFileSystem", clobber=True)


def _s3(secret: str, permits: Permits) -> fsspec.AbstractFileSystem:
    words = _words(secret, {"key", "secret", "token", "endpoint", "region"})
    client: dict[str, str] = {}
    if bool(words.get("key")) != bool(words.get("secret")):
        raise CannotLook("`key` and `secret` of a store belong together.", Obstacle.SETUP)
    connector = {"socket_factory": partial(_checked_socket, permits, Measure(MOST_BYTES))}
    if endpoint := words.get("endpoint"):
        client["endpoint_url"] = _checked(endpoint, permits)
    if region := words.get("region"):
        if not _REGION.fullmatch(region):
            raise CannotLook("The region in the secret is none.", Obstacle.SETUP)
        client["region_name"] = region
    return _open(
        "s3",
        key=words.get("key"),
        secret=words.get("secret"),
        token=words.get("token"),
        anon=not words.get("key"),
        client_kwargs=client,
        # No proxy of the environment: it would connect to what is refused here.
        config_kwargs={**_TIMEOUTS, "proxies": {}, "connector_args": connector},
    )


def _gs(secret: str, permits: Permits) -> fsspec.AbstractFileSystem:  # noqa: ARG001
    """The secret is the key file of a service account."""
    if not secret:
        return _open("gs", token="anon")  # noqa: S106 - a word of the library
    try:
        return _open("gs", token=google.log_in(_object(secret)))
    except ImportError as error:
        raise _not_installed("gs") from error


def _az(secret: str, permits: Permits) -> fsspec.AbstractFileSystem:  # noqa: ARG001
    """All in one text: whatever is not given by name, the library takes from the environment."""
    words = _words(secret, {"account_name", "account_key", "sas_token"})
    account = words.get("account_name", "")
    if not _ACCOUNT.fullmatch(account):
        raise CannotLook(
            "The secret must name the storage account in `account_name`.", Obstacle.SETUP
        )
    parts = [f"BlobEndpoint=https://{account}.blob.core.windows.net", f"AccountName={account}"]
    for name, sign in (("account_key", "AccountKey"), ("sas_token", "SharedAccessSignature")):
        if word := words.get(name, "").removeprefix("?"):
            if not _CREDENTIAL.fullmatch(word):  # what follows a semicolon would be another part
                raise CannotLook(f"`{name}` in the secret is none of Azure.", Obstacle.SETUP)
            parts.append(f"{sign}={word}")
    store = _open("az", connection_string=";".join(parts), anon=len(parts) == 2)
    client: Any = type(store.service_client)
    # Its own tries would outlast the look, and whatever is wrong would be told as a time-out.
    store.service_client = client.from_connection_string(
        store.connection_string, retry_total=0, connection_timeout=5, read_timeout=10
    )
    return store


def _file(secret: str, permits: Permits) -> fsspec.AbstractFileSystem:  # noqa: ARG001
    if not permits.file_roots:
        raise CannotLook(
            "This installation opens no folder to probes: see PROBE_FILE_ROOTS.", Obstacle.SETUP
        )
    return _open("file")


def _checked_socket(permits: Permits, measure: Measure, place: tuple[Any, ...]) -> socket.socket:
    """A socket for an address that may be reached, whatever a name server said the second time. AddressRefused."""
    family, kind, protocol, _, address = place
    resolve(str(address[0]), permits.networks)
    return MeasuredSocket(measure, family=family, type=kind, proto=protocol)


OPENERS: dict[str, Opener] = {"s3": _s3, "gs": _gs, "az": _az, "file": _file}


def _open(scheme: str, **options: Any) -> fsspec.AbstractFileSystem:
    try:
        return fsspec.filesystem(scheme, **_FRESH, **options)
    except ImportError as error:
        raise _not_installed(scheme) from error


def _not_installed(scheme: str) -> CannotLook:
    sentence = f"This installation cannot read {scheme}://: install luota[{_EXTRAS[scheme]}]."
    return CannotLook(sentence, Obstacle.SETUP)


def _words(secret: str, known: set[str]) -> dict[str, str]:
    found = _object(secret) if secret else {}
    if found.keys() - known or not all(isinstance(value, str) for value in found.values()):
        sentence = f"The secret is a JSON object of {', '.join(sorted(known))}."
        raise CannotLook(sentence, Obstacle.SETUP)
    return dict(found)


def _object(secret: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(secret)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise CannotLook("The secret of a store is a JSON object.", Obstacle.SETUP)
    return found


def _checked(endpoint: str, permits: Permits) -> str:
    """Its addresses are looked at now, and once more whenever the store's library opens a connection."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or 443
        address = resolve(parts.hostname or "", permits.networks)
    except (AddressRefused, ValueError) as refusal:
        raise CannotLook(f"The endpoint is refused: {refusal}", Obstacle.REFUSED) from refusal
    except Unreachable as error:
        raise CannotLook(f"The endpoint is not found: {error}", Obstacle.NAME) from error
    is_inside = is_allowed(address, permits.networks)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_inside):
        raise CannotLook("The endpoint must be reached by https.", Obstacle.SETUP)
    if not (is_inside or is_of_web(port)):
        sentence = f"The endpoint is refused: Port {port} is not one of a web server."
        raise CannotLook(sentence, Obstacle.REFUSED)
    return endpoint
