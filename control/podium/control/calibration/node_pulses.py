"""Builds pulses of programs on several nodes: names of frames bear the nodes' names."""

from dataclasses import dataclass

from podium.control.calibration.sequences import Pulses, pulse_area_ns
from podium.control.program.program import Statement


@dataclass(frozen=True, slots=True)
class NodePulses(Pulses):
    """Pulses of one of several nodes, each of which may have a ``q0``: names bear the node's."""

    own_ns: int | None = None
    """So long last its pulses, with the area of those that are calibrated; None: as these do."""

    @property
    def pulse_ns(self) -> int:
        """Duration of its pulses, ns."""
        return self._calibrated.pulse_ns if self.own_ns is None else self.own_ns

    def pi_amplitude(self) -> float:
        """Return the amplitude of a pi pulse of this length."""
        return self._calibrated.pi_amplitude() * self._stronger

    def ef_pi_amplitude(self) -> float:
        """Return the amplitude of a 1-2 pi pulse of this length."""
        return self._calibrated.ef_pi_amplitude() * self._stronger

    @property
    def _calibrated(self) -> Pulses:
        return Pulses(self.bench, self.qubit)

    @property
    def _stronger(self) -> float:
        return pulse_area_ns(self._calibrated.pulse_ns) / pulse_area_ns(self.pulse_ns)

    @property
    def drive(self) -> str:
        """Name of the 0-1 drive frame."""
        return f"{self.qubit.name}.drive"

    @property
    def ef(self) -> str:
        """Name of the 1-2 drive frame."""
        return f"{self.qubit.name}.ef"

    @property
    def readout(self) -> str:
        """Name of the readout frame."""
        return f"{self.qubit.name}.readout"

    def measured(self) -> list[Statement]:
        """Read out, into a capture that bears the qubit's full name."""
        return self.measure(name=self.qubit.name)
