"""The keys of one mapping of an old recipe, read by type, each told of exactly once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sparsify.errors import Problem, nearest
from sparsify.importing.rows import Account, Fate, Row, shown
from sparsify.schema.nodes import Entry, Scalar, Table, plain

LOGGED = "runs are logged whole here"


class Keys:
    """The keys of one mapping of the old recipe, each of which is told of exactly once.

    `same`, `near`, `lost` and `needless` tell what became of a key, and are silent where it is not
    there; `close` tells of all that were not told of. Values are asked for by type, and a value
    of another type is a Problem with its place.
    """

    def __init__(self, account: Account, path: str, table: Table) -> None:
        self.account, self.path, self.table = account, path, table
        self.told: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.table.entries

    def at(self, name: str = "") -> str:
        """Where the value of a key stands, or the mapping itself."""
        entry = self.table.entries.get(name)
        return str(entry.node.spot if entry else self.table.spot)

    def value(self, name: str, default: Any = None) -> Any:
        entry = self.table.entries.get(name)
        found = default if entry is None else plain(entry.node)
        return default if found is None else found

    def number(self, name: str, default: float | None = None) -> float | None:
        found = self.value(name, default)
        if found is None:
            return None
        if not is_number(found):
            raise self._expected(name, "a number")
        return float(found)

    def need(self, name: str) -> float:
        """A number without which the modifier means nothing."""
        return self._there(name, self.number(name))

    def need_share(self, name: str) -> float:
        """The same for a number from 0 to 1."""
        return self._there(name, self.share(name))

    def share(self, name: str, default: float | None = None) -> float | None:
        """A number from 0 to 1."""
        found = self.number(name, default)
        if found is not None and not 0 <= found <= 1:
            raise self._expected(name, "a number from 0 to 1")
        return found

    def shares(self, name: str) -> list[float]:
        """Numbers from 0 to 1: one, a list of them, or none where the key is not there."""
        found = self.value(name, [])
        numbers = found if isinstance(found, list) else [found]
        if not all(is_number(each) and 0 <= each <= 1 for each in numbers):
            raise self._expected(name, "a number from 0 to 1, or a list of them")
        return [float(each) for each in numbers]

    def text(self, name: str, default: str = "") -> str:
        found = self.value(name, default)
        if isinstance(found, list | dict):
            raise self._expected(name, "one word")
        return str(found)

    def flag(self, name: str, default: bool = False) -> bool:
        found = self.value(name, default)
        if found not in (True, False, 0, 1):
            raise self._expected(name, "true or false")
        return bool(found)

    def structure(self, name: str) -> str | list[int]:
        """The structure of masks, by name or as [rows, columns]."""
        found = self.value(name, "unstructured")
        return found if isinstance(found, list) else str(found)

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """One text, or a list of them."""
        found = self.value(name, list(default))
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or any(isinstance(each, list | dict) for each in found):
            raise self._expected(name, "a name or a list of names")
        return [str(each) for each in found]

    def same(self, name: str, new: str) -> None:
        self._tell(name, "same", new, "")

    def near(self, name: str, new: str, why: str) -> None:
        self._tell(name, "near", new, why)

    def lost(self, name: str, why: str) -> None:
        self._tell(name, "lost", "", why)

    def needless(self, name: str, why: str) -> None:
        self._tell(name, "needless", "", why)

    def whole(self, fate: Fate, why: str) -> None:
        """Tell what became of the mapping itself, beside its keys."""
        self.account.rows.append(Row(self.path, "", "", fate, why, self.table.spot))

    def inner(self, name: str) -> Keys:
        """The keys below a key; the key itself needs no row then."""
        entry = self.table.entries[name]
        self.told.add(name)
        return keys_of(self.account, f"{self.path}.{name}".lstrip("."), entry)

    def close(self, why: str = "", known: Sequence[str] = ()) -> None:
        """Tell of every key that nothing was said about."""
        for name in list(self.table.entries):
            if name not in self.told:
                hint = nearest(name, known) if known else ""
                says = why or "no such key is known" + (f"; {hint}" if hint else "")
                self.lost(name, says)

    def _tell(self, name: str, fate: Fate, new: str, why: str) -> None:
        entry = self.table.entries.get(name)
        if entry is None or name in self.told:
            return
        self.told.add(name)
        path = f"{self.path}.{name}".lstrip(".")
        self.account.rows.append(Row(path, shown(entry.node), new, fate, why, entry.key))

    def _there(self, name: str, found: float | None) -> float:
        if found is None:
            raise Problem(f"{self.path}.{name}: required, but missing", where=self.at())
        return found

    def _expected(self, name: str, what: str) -> Problem:
        found = shown(self.table.entries[name].node) or "nothing"
        return Problem(f"{self.path}.{name}: expected {what}, not {found}", where=self.at(name))


def is_number(found: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    is_one = isinstance(found, int | float) and not isinstance(found, bool)
    return is_one and math.isfinite(found)


def keys_of(account: Account, path: str, entry: Entry) -> Keys:
    """The keys of the mapping under `path`; of an empty value none.

    Raises:
        Problem: something else stands there.
    """
    match entry.node:
        case Table():
            return Keys(account, path, entry.node)
        case Scalar(value=None | ""):
            return Keys(account, path, Table(entry.key, {}))
        case _:
            raise Problem(f"{path}: expected keys with values", where=str(entry.node.spot))
