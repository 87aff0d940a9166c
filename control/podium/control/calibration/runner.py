"""Defines what a calibration routine needs from outside: somebody who runs programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.control.program.program import Program
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

    from podium.control.bus.mixers import MixerFound
    from podium.control.facility.facility import Facility
    from podium.control.facility.line_response import LineResponse


class Runner(Protocol):
    """Runs programs and moves biases; every method raises :class:`RunError`."""

    @property
    def facility(self) -> "Facility":
        """Return the checked facility file."""
        ...

    async def run(self, program: Program) -> "xarray.Dataset":
        """Run ``program`` and return its data.

        Variables ``<capture>_i`` and ``<capture>_q`` (V, mean over the window), dimensions = the
        program's axes in their order, with ``shot`` first when the shots are kept; with
        ``program.trace`` also ``<capture>_trace_i`` and ``_q`` over ``<capture>_time`` (s).
        One coordinate for each swept variable; a time in s, others in the unit of the variable,
        given in ``attrs["units"]``. ``attrs`` hold ``run`` (the run's id), ``program``,
        ``program_hash``, ``facility``, ``facility_hash``, ``epoch``, ``started_tai_s``,
        ``quantised`` (what was rounded, JSON).
        """
        ...

    async def bias(self, volts: Mapping[str, float]) -> None:
        """Ramp flux ports (``node_a.q0.flux``) to these levels, V; returns when all are there."""
        ...

    async def calibrate_mixers(self, ports: Sequence[str]) -> "Mapping[str, MixerFound]":
        """Let instruments calibrate the mixers of these ports' outputs.

        Returns what each output (``cluster_a.slot4.out0``) is set to since; raises
        :class:`RunRefused` for a port whose instrument has no function for it.
        """
        ...

    async def read(self, instrument: str, channel: str) -> float:
        """Return a reading in SI: temperature of a thermometer's channel, level of a source."""
        ...

    async def now(self) -> Tai:
        """Return TAI as the facility's clock tells it."""
        ...


@runtime_checkable
class CorrectingRunner(Protocol):
    """A runner whose controllers undo what lines do, as a :class:`.Lab`'s."""

    def corrected_lines(self) -> "Mapping[str, LineResponse]":
        """Return the lines that are corrected, by port."""
        ...

    def correct_lines(self, lines: "Mapping[str, LineResponse]") -> None:
        """Correct these from now on."""
        ...
