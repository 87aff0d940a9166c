"""Driver of the Keysight N9030B spectrum analyzer.

QCoDeS has a driver of it, which writes to the box when it connects; this one only reads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qcodes.instrument import VisaInstrument

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.network_trace import numbers_of, waiting_for
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination
from podium.drivers.tone_range import check_range
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import keysight_n9030b as box
from podium.firmware_interfaces.built_in_models.analyzers import KEYSIGHT_N9030B

SETTINGS = {
    "mode": ":INST:SEL?",
    "start_hz": ":FREQ:STAR?",
    "stop_hz": ":FREQ:STOP?",
    "points": ":SWE:POIN?",
    "bandwidth_hz": ":BAND:RES?",
    "video_hz": ":BAND:VID?",
    "attenuation_db": ":POW:ATT?",
    "preamplifier": ":POW:GAIN:STAT?",
    "detector": ":DET:TRAC1?",
}


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Power over frequency."""

    frequency_hz: NDArray[np.float64]
    """Shape (points,)."""
    power_dbm: NDArray[np.float64]
    """In the resolution bandwidth, shape (points,)."""


class _Named(ChecksIdentity, VisaInstrument):
    """Any connection to an N9030B, and to no other box."""

    default_terminator = "\n"
    model = KEYSIGHT_N9030B


class KeysightN9030B(OverVisa):
    """A spectrum analyzer. What is wired to its input concerns its twin alone."""

    def __init__(self, name: str, visa: str, sources: dict[int, str] | None = None) -> None:
        """Connect by reading; what it sweeps goes on."""
        self._session = VisaSession(name, visa, _Named)

    def examine(self) -> Examination:
        """Return the options that are fitted."""
        return Examination(options=self._session.options())

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def spectrum(
        self, start_hz: float, stop_hz: float, points: int, bandwidth_hz: float
    ) -> Spectrum:
        """Sweep once and return when it is done; it then sweeps no longer by itself.

        Raises :class:`Refused` for what it cannot sweep.
        """
        name = self._session.name
        reach = float(box.FREQUENCY_MIN_HZ), float(box.FREQUENCY_MAX_HZ)
        check_range(name, "start", start_hz, *reach, "Hz")
        check_range(name, "stop", stop_hz, *reach, "Hz")
        if stop_hz - start_hz < float(box.SPAN_MIN_HZ):
            raise Refused(f"{name}: a span is {box.SPAN_MIN_HZ} Hz or more")
        self.tell(
            f":INIT:CONT 0;:FORM ASC;:FREQ:STAR {start_hz:.3f};STOP {stop_hz:.3f};"
            f":SWE:POIN {points};:BAND:RES {bandwidth_hz:.3f}"
        )
        sweep_s = float(numbers_of(self._session, ":SWE:TIME?")[0])
        with waiting_for(self._session, sweep_s):
            pairs = numbers_of(self._session, ":READ:SAN1?")
        if pairs.size != 2 * points:
            raise ProtocolError(f"{name} gave {pairs.size} numbers, not {2 * points}")
        return Spectrum(pairs[0::2], pairs[1::2])
