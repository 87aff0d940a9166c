"""Lists of a sequencer hold entries by name, with an index each."""

from typing import Generic, Protocol, TypeVar

from podium.sim_instruments.twins.qblox_cluster.refusal import (
    ILLEGAL_PARAMETER,
    OUT_OF_RANGE,
    TOO_MUCH_DATA,
    Refusal,
)


class IndexedEntry(Protocol):
    """An entry of such a list."""

    index: int


Entry = TypeVar("Entry", bound=IndexedEntry)


class NamedList(Generic[Entry]):
    """Entries by name: at most ``indices``, each of which is a ``what`` (``Waveform``)."""

    def __init__(self, what: str, indices: int) -> None:
        self._what = what
        self._indices = indices
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def delete(self, name: str) -> None:
        """Remove ``name``; ``all`` (and, as the client sends it, an empty name) removes all."""
        if name.lower() in ("all", ""):
            self._entries.clear()
        else:
            self._entry(name)
            del self._entries[name]

    def set_index(self, name: str, index: int) -> None:
        """Give ``name`` another index, which must be free."""
        entry = self._entry(name)
        if not 0 <= index < self._indices:
            raise Refusal(OUT_OF_RANGE, f"{self._what} index {index}, 0-{self._indices - 1} exist")
        for other, its in self._entries.items():
            if its.index == index and other != name:
                raise Refusal(
                    ILLEGAL_PARAMETER, f"{self._what} index {index} already in use by {other}"
                )
        entry.index = index

    def index(self, name: str) -> int:
        """Return the index of ``name``."""
        return self._entry(name).index

    def name(self, index: int) -> str:
        """Return the name under ``index``."""
        for name, entry in self._entries.items():
            if entry.index == index:
                return name
        raise Refusal(
            ILLEGAL_PARAMETER, f"{self._what} index {index} not in {self._what.lower()} list"
        )

    def _free_index(self) -> int:
        taken = {entry.index for entry in self._entries.values()}
        index = next(n for n in range(self._indices + 1) if n not in taken)
        if index >= self._indices:
            raise Refusal(TOO_MUCH_DATA, f"{self._what} list holds {self._indices} entries at most")
        return index

    def _check_new(self, name: str) -> None:
        if name in self._entries:
            raise Refusal(
                ILLEGAL_PARAMETER, f"{self._what} {name} already in {self._what.lower()} list"
            )

    def _entry(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise Refusal(
                ILLEGAL_PARAMETER,
                f"{self._what} {name} does not exist in {self._what.lower()} list",
            ) from None
