"""Pure: takes secrets out of what callers send, before it is stored. Notes where and by which rule, never the value."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

MASK = "[redacted]"

_SECRET_KEY = re.compile(
    r"pass(wd|word|phrase|code)|secret|(api|private|access)[_-]?key|credential|authorization"
    r"|cookie|csrf|xsrf|session[_-]?id|cvv|cvc|(^|[_.-])(auth|pwd|pin|ssn|iban)$|token$|card[_-]?number",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"(?P<private_key>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))"
    r"|(?P<url_credentials>(?<=://)[^\s/@:]*:[^\s/@]+(?=@))"
    r"|(?P<jwt>(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    r"|(?P<bearer>(?<=[Bb]earer )[\w.~+/=-]{12,}|(?<=[Bb]asic )[\w+/=]{12,})"
    r"|(?P<token>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\b[srp]k_(?:live|test)_\w{10,}|\bwhsec_[\w+/=]{16,}|\bxox[abeoprs]-[\w-]{10,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|\bAIza[\w-]{30,}|\bnpm_\w{30,}|\bpypi-[\w-]{30,}|\bluota_[a-z]{3}_[\w-]{20,}|\bsk-[\w-]{20,})"
    r"|(?P<card>(?<![\w.-])(?:[2-6]\d{12,18}|[2-6]\d{3}([ -])\d{4}\7\d{4}\7\d{4}(?:\7\d{3})?"
    r"|3\d{3}([ -])\d{6}\8\d{4,5})(?![\w-]))"
)
_CARD_LENGTHS = {
    "2": (16,),
    "3": (14, 15, 16),
    "4": (13, 16, 19),
    "5": (16,),
    "6": (16, 17, 18, 19),
}
"""By the first digit: other long numbers that pass the check by chance are ids."""
# No part may begin at many places of one word: texts of 256 KiB come from outside, and the search must stay linear.
_ASSIGNMENT = re.compile(
    r"(?P<name>(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key)\b[\"']?\s{0,8}[=:]\s{0,8}[\"']?)"
    r"(?P<value>[^\s\"'&,;]{3,})",
    re.IGNORECASE,
)
_SUSPICION = re.compile(
    rb"p(?:ass|wd|in|ypi-)|s(?:ecret|ession|sn|g\.|k-)|k(?:ey|_live|_test)|c(?:redential|ookie|srf|v[vc]|ard)"
    rb"|a(?:uth|kia|sia|iza)|x(?:srf|ox)|iban|token|-----begin|://|eyj|b(?:earer|asic)|g(?:h[pousr]_|ithub_pat|lpat)"
    rb"|whsec|npm_|luota_"
    + b"".join(b"|%d" % first + rb"\d{3}(?:[ -]?\d){8}" for first in range(2, 7)),
)
"""For lowered bytes: a search that ignores case is four times slower. So is one whose branches do not each
begin with a character of their own: the engine passes over places where none of them can begin."""

_NAME_CHARACTERS = 40
_LEAST_CARD = 10**12
"""No shorter number is one of a card, and of no other secret."""

Note = dict[str, str]
"""{"path": dotted path, "rule": name of the rule}."""


def redact(value: Any, *, path: str, encoded: bytes | None = None) -> tuple[Any, list[Note]]:
    """A copy of the JSON value without secrets, and what was taken out.

    `encoded` is the value as JSON when the caller has it already: one search over it spares the walk
    through values that hold nothing suspicious, which are nearly all.
    """
    blob = orjson.dumps(value) if encoded is None else encoded
    if not _SUSPICION.search(blob.lower()):
        return value, []
    notes: list[Note] = []
    return _walk(value, path, notes), notes


def redact_text(text: str, *, path: str) -> tuple[str, list[Note]]:
    """The text without token shapes, card numbers, credentials in URLs and assignments to secret names."""
    if not text or not _SUSPICION.search(text.encode("utf-8", "replace").lower()):
        return text, []
    rules: list[str] = []

    def mask_assignment(match: re.Match[str]) -> str:
        if match["value"].startswith(MASK):
            return match[0]
        rules.append("secret_name")
        return f"{match['name']}{MASK}"

    cleaned = _ASSIGNMENT.sub(mask_assignment, _mask_shapes(text, rules))
    return cleaned, [{"path": path, "rule": rule} for rule in dict.fromkeys(rules)]


def looks_secret(text: str) -> bool:
    """Has the text the shape of a token or a card number?"""
    return any(_is_secret(match) for match in _TOKEN.finditer(text))


def _walk(value: Any, path: str, notes: list[Note]) -> Any:
    if isinstance(value, dict):
        return dict(_walk_items(value, path, notes))
    if isinstance(value, list):
        return [_walk(item, f"{path}[{place}]", notes) for place, item in enumerate(value)]
    if isinstance(value, str):
        cleaned, found = redact_text(value, path=path)
        notes += found
        return cleaned
    if isinstance(value, int) and value >= _LEAST_CARD and looks_secret(str(value)):
        notes.append({"path": path, "rule": "card"})
        return MASK
    return value


def _walk_items(value: dict[str, Any], path: str, notes: list[Note]) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        is_plain, is_secret = _known_name(key) if len(key) <= _NAME_CHARACTERS else _name(key)
        name, found = (key, []) if is_plain else redact_text(key, path=f"{path}.*")
        notes += found
        here = f"{path}.{name}"
        if is_secret and item is not None and not isinstance(item, bool):
            notes.append({"path": here, "rule": "secret_name"})
            yield name, MASK
        else:
            yield name, _walk(item, here, notes)


def _name(key: str) -> tuple[bool, bool]:
    """(there is nothing to take out of it, it names a secret)."""
    is_plain = not _SUSPICION.search(key.encode("utf-8", "replace").lower())
    return is_plain, _SECRET_KEY.search(key) is not None


_known_name = lru_cache(maxsize=4096)(_name)
"""A sender uses the same names in everything it sends."""


def _mask_shapes(text: str, rules: list[str]) -> str:
    def mask(match: re.Match[str]) -> str:
        if not _is_secret(match):
            return match[0]
        rules.append(str(match.lastgroup))
        return MASK

    return _TOKEN.sub(mask, text)


def _is_secret(match: re.Match[str]) -> bool:
    if match.lastgroup != "card":
        return True
    digits = re.sub(r"[ -]", "", match[0])
    return is_card(digits) or (match[0] != digits and is_card(digits[:16]))


def is_card(digits: str) -> bool:
    """Length and check digit; a card in groups of four may be followed by its three-digit code."""
    return len(digits) in _CARD_LENGTHS[digits[0]] and passes_luhn(digits)


def passes_luhn(text: str) -> bool:
    """The check digit of a card number, spaces and dashes aside; 13 to 19 digits."""
    digits = [int(char) for char in reversed(text) if char.isdigit()]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0
