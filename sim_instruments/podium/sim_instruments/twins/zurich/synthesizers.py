"""The synthesizers of SHF instruments: with which phase they run.

LabOne Q 26.7.0 (Apache-2.0, ``device_shf_base.py``) warns of centre frequencies that are no
multiples of 200 MHz: their phases are not reproducible, from channel to channel and from one tuning
to the next. ASSUMED: such a synthesizer begins at any phase whenever it is tuned to another
frequency or its reference is locked anew, and keeps it then; on a multiple of 200 MHz it comes back
to the same. Setting what is set already leaves it alone (SHFQC manual, change log 24.07).
"""

from collections import Counter
from dataclasses import replace
from typing import Final
from zlib import crc32

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.foretelling import Member

REPRODUCIBLE_HZ: Final = 200_000_000


class Synthesizers:
    """Those of all instruments behind a data server."""

    def __init__(self) -> None:
        self._hz: dict[tuple[str, str], float] = {}
        self._locks: Counter[tuple[str, str]] = Counter()
        self._references: Counter[str] = Counter()

    def written(self, device: str, path: str, value: Value) -> None:
        """Hear that a node was set: one was tuned, or the instrument follows another reference."""
        place, _, node = path.rpartition("/")
        if place.startswith("system/clocks/referenceclock") and node == "source":
            self._references[device] += 1
        if node != "centerfreq" or place.count("/") != 1 or not isinstance(value, int | float):
            return
        if self._hz.get((device, place)) != value:
            self._locks[device, place] += 1
        self._hz[device, place] = value

    def carrying(self, member: Member) -> Member:
        """Return a sequencer with the phase of the synthesizer that carries its signals."""
        if not member.synthesizer:
            return member
        device = member.run.device
        return replace(member, turns=self.turns(device, member.synthesizer, member.centre_hz))

    def turns(self, device: str, place: str, hz: float) -> float:
        """Return the phase that one has against the clock of all, in turns.

        It is the same for the same history of settings: nothing of it is drawn from a clock.
        """
        name = f"{device} {place} {round(hz)}"
        if round(hz) % REPRODUCIBLE_HZ:
            name += f" #{self._locks[device, place]} #{self._references[device]}"
        return crc32(name.encode()) / 2**32
