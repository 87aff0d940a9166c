"""Builds pulses of programs on several nodes: names of frames bear the nodes' names."""

from dataclasses import dataclass

from podium.control.calibration.sequences import Pulses
from podium.control.program.program import Statement


@dataclass(frozen=True, slots=True)
class NodePulses(Pulses):
    """Pulses of one of several nodes, each of which may have a ``q0``: names bear the node's."""

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
