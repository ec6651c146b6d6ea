"""Logs in at Google with a user's service account, before its store is opened.

The library of the store would do so on the one thread that all stores share, wait for two minutes if nobody
answers, ask for the right to write, and tell of a wrong key as of a time-out.
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

import requests

from evidence.probes.contract import CannotLook, Obstacle
from evidence.probes.obstacles import obstacle_of
from luota.lib.guard import why

TOKENS = "https://oauth2.googleapis.com/token"
"""Where a key file may send us: nowhere else."""
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_NAMES = ("private_key_id", "private_key", "client_email", "token_uri")
"""Of the key file; what else it may say (another cloud, delegation) is not looked at."""
_SECONDS = 5
_NO_KEY_FILE = "The secret must be the key file of a Google service account."


def log_in(account: Mapping[str, Any]) -> Any:
    """Credentials with a token, as the store's library takes them. CannotLook, ImportError without the package."""
    is_service = account.get("type") == "service_account" and account.get("token_uri") == TOKENS
    if not is_service or not all(isinstance(account.get(name), str) for name in _NAMES):
        raise CannotLook(_NO_KEY_FILE, Obstacle.SETUP)
    accounts: Any = import_module("google.oauth2.service_account")
    transport: Any = import_module("google.auth.transport.requests")
    try:
        known = {name: account[name] for name in _NAMES}
        credentials = accounts.Credentials.from_service_account_info(known, scopes=[_SCOPE])
    except ValueError as error:
        raise CannotLook(f"{_NO_KEY_FILE} Its key cannot be read.", Obstacle.SETUP) from error
    with requests.Session() as session:
        try:
            credentials.refresh(partial(transport.Request(session), timeout=_SECONDS))
        except Exception as error:  # the library's own types come with the extra package
            obstacle = obstacle_of(error, otherwise=Obstacle.UNREACHED)
            raise CannotLook(f"Google says: {_first_words(error)}.", obstacle) from error
    return credentials


def _first_words(error: Exception) -> str:
    """A refusal stands before the answer that it was read from; what kept us from asking is further inside."""
    said = error.args[0] if error.args else ""
    return (said if isinstance(said, str) and said else why(error)).rstrip(".")
