"""Keeps parameters for as long as a script or a test runs."""

from collections.abc import Iterable

from podium.control.parameters.entry import ParameterEntry, checked


class MemoryRecord:
    """A :class:`~podium.control.parameters.entry.ParameterRecord` in memory; nothing is written."""

    def __init__(self, entries: Iterable[ParameterEntry] = ()) -> None:
        self._entries: dict[str, list[ParameterEntry]] = {}
        self.put(entries)

    def get(self, name: str) -> ParameterEntry | None:
        """Return the newest entry of that name, or None."""
        known = self._entries.get(name)
        return known[-1] if known else None

    def put(self, entries: Iterable[ParameterEntry]) -> None:
        """Keep all of them or, on a ``BadEntry``, none."""
        for entry in checked(entries):
            self._entries.setdefault(entry.name, []).append(entry)

    def replace(self, entries: Iterable[ParameterEntry]) -> None:
        """Forget all that is kept and keep these; on a ``BadEntry`` nothing changes."""
        kept = checked(entries)
        self._entries.clear()
        self.put(kept)

    def history(self, name: str) -> tuple[ParameterEntry, ...]:
        """Return every entry of that name, oldest first."""
        return tuple(self._entries.get(name, ()))

    def all(self, path: str = "") -> dict[str, ParameterEntry]:
        """Return the newest entry of each name, by name in alphabetical order.

        ``path``: only of that name, or of the names below it (``node_a.q0``).
        """
        return {
            name: self._entries[name][-1]
            for name in sorted(self._entries)
            if not path or name == path or name.startswith(f"{path}.")
        }
