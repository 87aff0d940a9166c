"""Parameters kept for as long as a script or a test runs."""

from collections.abc import Iterable

from podium.control.parameters.entry import Entry, checked


class MemoryRecord:
    """A :class:`~podium.control.parameters.entry.Record` in memory; nothing is written."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self.put(entries)

    def get(self, name: str) -> Entry | None:
        """Return the newest entry of that name, or None."""
        known = self._entries.get(name)
        return known[-1] if known else None

    def put(self, entries: Iterable[Entry]) -> None:
        """Keep all of them or, on a ``BadEntry``, none."""
        for entry in checked(entries):
            self._entries.setdefault(entry.name, []).append(entry)

    def replace(self, entries: Iterable[Entry]) -> None:
        """Forget all that is kept and keep these; on a ``BadEntry`` nothing changes."""
        kept = checked(entries)
        self._entries.clear()
        self.put(kept)

    def history(self, name: str) -> tuple[Entry, ...]:
        """Return every entry of that name, oldest first."""
        return tuple(self._entries.get(name, ()))

    def all(self, path: str = "") -> dict[str, Entry]:
        """Return the newest entry of each name, by name in alphabetical order.

        ``path``: only of that name, or of the names below it (``node_a.q0``).
        """
        return {
            name: self._entries[name][-1]
            for name in sorted(self._entries)
            if not path or name == path or name.startswith(f"{path}.")
        }
