"""Records of the scopes that listen to the world, put together from runs that follow each other."""

from typing import Final

from podium.firmware_interfaces.zurich.values import Value
from podium.firmware_interfaces.zurich.vector_headers import scope_vector
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    Traces,
    recorded,
    together,
)

_STEP_V: Final = 1e-9
"""Of the integers in a record, whose time stamps are 0. ASSUMED."""


class WorldScopes:
    """The scopes of all instruments behind one data server, by device."""

    def __init__(self) -> None:
        self._taken: dict[str, Traces] = {}
        """What a scope has taken of a record that is not whole yet."""
        self._records: dict[str, tuple[int, str, Value]] = {}
        """When a record is to be seen, at which node, and the record."""

    def enabled(self, device: str) -> None:
        """Hear that a scope was switched on or off: its record begins anew."""
        self._taken.pop(device, None)

    def take(self, device: str, traces: Traces, at_fs: int) -> None:
        """Take what a scope has heard; its record, if it is whole now, is seen from a time on."""
        heard = together(self._taken.pop(device, None), traces)
        if (seen := recorded(heard)) is None:
            self._taken[device] = heard
            return
        record = scope_vector(seen.header, seen.samples, _STEP_V)
        path = f"scopes/0/channels/{seen.header.input_select}/wave"
        self._records[device] = at_fs, path, record

    def updates(self, device: str, now_fs: int) -> dict[str, Value]:
        """Return what nodes have come to hold, once."""
        if device not in self._records or self._records[device][0] > now_fs:
            return {}
        _, path, record = self._records.pop(device)
        return {path: record, "scopes/0/enable": 0}
