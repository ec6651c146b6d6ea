"""Answers that are known already: a condition that reads the same values says the same."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Found = TypeVar("Found")


class Memo(Generic[Key, Found]):
    """At most twice `most` answers: when so many are new, those that nobody asked for since go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: dict[Key, Found] = {}
        self._old: dict[Key, Found] = {}

    def find(self, key: Key) -> Found | None:
        """None when it is not known (any more)."""
        found = self._new.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.keep(key, found)
        return found

    def keep(self, key: Key, found: Found) -> None:
        """Threads may keep at the same time: what one of them loses is found out again."""
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        self._new[key] = found

    def forget(self) -> None:
        """As if nobody had asked."""
        self._old, self._new = {}, {}
