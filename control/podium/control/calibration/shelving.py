"""Knows the pulse that shelves 1 in 2 before a readout.

From 2 a fluxonium decays to 1 and not to 0 (half a flux quantum has a parity), so that what decays
during a readout is not at once taken for 0; and a resonator near a line of 2 tells 2 from 0 better.
(Of a transmon: npj Quantum Information, doi 10.1038/s41534-023-00689-6.)
"""

from dataclasses import dataclass

from podium.control.calibration.bench import Bench
from podium.control.facility.coupler_lines import driven_edge
from podium.control.facility.facility import DriveWiring, Qubit
from podium.control.parameters.entry import NotMeasured
from podium.control.program.program import Barrier, Frame, Play, Statement, Value
from podium.control.program.waveforms import Drag
from podium.firmware_interfaces.exact_time import FS_PER_NS


@dataclass(frozen=True, slots=True)
class Shelving:
    """The pulse on 1-2 of one qubit."""

    frame: Frame
    duration_ns: int
    amplitude: float
    """Of a pi pulse, of full scale."""

    def pulse(self, amplitude: Value | None = None) -> Play:
        """Play one pulse, a pi pulse where no amplitude is given."""
        duration = self.duration_ns * FS_PER_NS
        shape = Drag(duration, duration // 4, 0.0)
        return Play(self.frame.name, shape, self.amplitude if amplitude is None else amplitude)

    def before(self, readout: str, amplitude: Value | None = None) -> list[Statement]:
        """Play it at once before what follows on the frame ``readout``."""
        together = Barrier((self.frame.name, readout))
        return [together, self.pulse(amplitude), together]


def has_plasmon_line(bench: Bench, qubit: Qubit) -> bool:
    """Tell whether an output drives 1-2 of a fluxonium, and not the coupler beside it."""
    wiring = bench.runner.facility.wiring.get(qubit.plasmon_port)
    if qubit.kind != "fluxonium" or not isinstance(wiring, DriveWiring):
        return False
    return driven_edge(bench.runner.facility, qubit) is None


def why_not_shelved(bench: Bench, qubit: Qubit) -> str | None:
    """Return why no pulse is calibrated that shelves a qubit's 1; None: one may be.

    A gate by a drive of a plasmon needs a neighbour that moves the line by as much as such a pulse
    is wide, or more: 1 would be shelved where the neighbour is in 0, and would not where it is in 1
    by heat or by a program.
    """
    if not has_plasmon_line(bench, qubit):
        return f"nothing drives the plasmon of {qubit.element}"
    for edge in bench.runner.facility.nodes[qubit.node].edges.values():
        if edge.driven == qubit.element:
            [other] = (end for end in edge.ends if end != qubit.element)
            return (
                f"1-2 of {qubit.element} lies elsewhere when {other} is in 1, by which the gate of "
                f"{edge.element} is played: what is read would depend on {other}"
            )
    return None


def shelving_of(bench: Bench, qubit: Qubit) -> Shelving:
    """Return a qubit's pulse, as measured. Raises NotMeasured."""
    if not has_plasmon_line(bench, qubit):
        raise NotMeasured(f"nothing drives the plasmon of {qubit.name}", f"{qubit.name}.shelving")

    def value(quantity: str) -> float:
        return bench.known(qubit, quantity).value

    frame = shelving_frame(qubit, value("shelving_frequency"))
    length_ns = round(value("shelving_duration") * 1e9)
    return Shelving(frame, length_ns, value("shelving_pi_amplitude"))


def shelving_frame(qubit: Qubit, frequency_hz: float) -> Frame:
    """Return the frame of a qubit's 1-2 pulses."""
    return Frame(f"{qubit.element}.shelving", qubit.plasmon_port, frequency_hz)


def is_shelved(bench: Bench, qubit: Qubit) -> bool:
    """Tell whether 1 is shelved before the qubit's readout: it was found to pay."""
    return has_plasmon_line(bench, qubit) and (bench.measured(qubit, "shelving") or 0.0) > 0


def shelved_lifetime(bench: Bench, qubit: Qubit) -> float:
    """Return for how long the level that is read as 1 lives, s: 2 where it is shelved there."""
    quantity = "shelved_t1" if is_shelved(bench, qubit) else "t1"
    return bench.best(qubit, quantity)
