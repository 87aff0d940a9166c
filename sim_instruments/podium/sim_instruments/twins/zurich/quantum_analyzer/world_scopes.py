"""Records of the scopes that listen to the world, put together from runs that follow each other."""

from typing import Final

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import ScopeInput, ScopeRecording
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import Traces

_STEP_V: Final = 1e-9
"""Of the integers in a record, whose time stamps are 0. ASSUMED."""


class WorldScopes:
    """The scopes of all instruments behind one data server, by device."""

    def __init__(self) -> None:
        self._begun: dict[str, ScopeRecording] = {}
        """Those that have not heard all triggers yet that they want."""
        self._whole: dict[str, tuple[int, dict[str, Value]]] = {}
        """When a record is to be seen, and the record by its node."""

    def enabled(self, device: str) -> None:
        """Hear that a scope was switched on or off: its record begins anew."""
        self._begun.pop(device, None)

    def take(self, device: str, traces: Traces, at_fs: int) -> None:
        """Take what a scope has heard; its record, if it is whole now, is seen from a time on.

        Set anew, it begins anew.
        """
        settings = traces.recording.settings
        recording = self._begun.pop(device, None)
        if recording is None or recording.settings != settings:
            one = ScopeInput(traces.recording.channel, traces.centre_hz, _STEP_V)
            recording = ScopeRecording(settings, (one,))
        for trace in traces.taken[: recording.wanted - recording.taken]:
            recording.add(0, recording.next_segment(), trace[:: 1 << settings.rate])
        recording.missed += traces.missed
        if not recording.full:
            self._begun[device] = recording
            return
        self._whole[device] = (
            at_fs,
            {
                f"scopes/0/channels/{channel}/wave": vector
                for channel, vector in recording.vectors().items()
            },
        )

    def updates(self, device: str, now_fs: int) -> dict[str, Value]:
        """Return what nodes have come to hold, once."""
        if device not in self._whole or self._whole[device][0] > now_fs:
            return {}
        _, records = self._whole.pop(device)
        return records | {"scopes/0/enable": 0}
