"""Describes the wiring for the compiler: the instrument's channel behind each port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from podium.control.compilers.result_routes import ResultLineTarget
from podium.control.facility.line_response import LineResponse
from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ, READOUT_SLOTS

Model = Literal["SHFSG8", "SHFSG4", "SHFQC", "SHFQA4", "SHFQA2", "HDAWG8", "HDAWG4"]


@dataclass(frozen=True, slots=True)
class DriveChannel:
    """A channel of a signal generator (SHFSG, SHFQC)."""

    channel: int
    """From 0, as in ``sgchannels/0``."""
    lo_hz: float
    """Of the synthesizer, which two channels have in common; the oscillators add to it."""
    output_range_dbm: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadoutChannel:
    """A channel of a quantum analyzer (SHFQA, SHFQC): its output and its input."""

    channel: int
    lo_hz: float
    output_range_dbm: float = -30.0
    input_range_dbm: float = -20.0


@dataclass(frozen=True, slots=True)
class FluxChannel:
    """A channel of an HDAWG: baseband, two to a sequencer."""

    channel: int
    """From 0, as in ``sigouts/0``."""
    range_v: float = 2.0
    response: LineResponse | None = None
    """What the flux line behind it does to pulses, where that is undone."""


Channel = DriveChannel | ReadoutChannel | FluxChannel


@dataclass(frozen=True, slots=True)
class ZurichTarget:
    """One instrument and the ports that it serves."""

    instrument: str
    """Its name, e.g. ``shfqc_a``."""
    model: Model
    ports: Mapping[str, Channel] = field(hash=False)
    """By port, physical (``node_a.feedline``) and logical (``node_a.q0.readout``) alike."""
    flux_rate_hz: int = HDAWG_RATE_HZ
    """Of an HDAWG's samples: 2 GSa/s beside SHF instruments on one PQSC (zhinst-toolkit 1.4.0,
    ``enable_qccs_mode``, second generation)."""
    readout_slots: int = READOUT_SLOTS
    """Readout waveforms and integrators of a channel; 16 where the option 16W is fitted."""
    modulates: bool = False
    """Whether its readouts can ride on oscillators: where the option LRT is fitted."""
    precompensates: bool = True
    """Whether an HDAWG's outputs have filters: where the option PC is fitted."""
    controller: str = ""
    """The data server that it is behind."""
    result_lines: tuple[ResultLineTarget, ...] = ()
    """Those that begin or end behind the data server, by name."""
    analyser: int = 0
    """Its number among the instruments with analysers behind the data server."""
    elsewhere: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By port that nothing behind the data server serves: the controller that does."""

    def place_of(self, port: str) -> str:
        """Return the controller that serves a port."""
        return self.elsewhere.get(port, self.controller)

    def is_device(self, serial: int) -> bool:
        """Tell whether it is the instrument with a serial number."""
        return self.instrument == f"{self.controller}.dev{serial}"
