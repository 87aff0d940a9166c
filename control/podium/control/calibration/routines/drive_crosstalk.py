"""Finds how the drive of one qubit reaches another: by what part of its amplitude, and ahead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.bloch_turn import BlochTurn, bloch_vector, fit_bloch_turn
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.line_search import DRIVE_REACH_HZ
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    frame_names,
    frames_of,
    measure_at_once,
    on_grid_ns,
    pulse_area_ns,
)
from podium.control.client.cross_resonance import RISE_NS
from podium.control.client.drive_crosstalk import QUANTITY
from podium.control.client.drive_power import line_begin_dbm
from podium.control.facility.facility import DriveWiring, Qubit
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Frame,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import FlatTop
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
LARGEST = 0.9
"""Amplitude, of full scale."""
OF_DETUNING = 0.06
"""The source is driven at the target's frequency so strongly, of its distance from it: its levels
then move by a thousandth of what the drive does."""
LENGTHS_NS = (240, 720, 2160)
"""Of the drive: the first in which the target turns by enough, and each a third of its T2."""
ENOUGH_TURNS = 0.2
POINTS = 5
SHOTS, CHECK_SHOTS = 500, 500
CHECK_LENGTH = 1.5
"""Times as long is the drive of the check."""
RESET_LIFETIMES = 5.0
AXES = ("x", "y", "z")
BEFORE = {"x": (0.5, -0.25), "y": (0.5, 0.0), "z": (0.0, 0.0)}
"""Share of a pi pulse before the readout, and its phase in turns, by what is measured."""
SCATTERED = 30.0
SHORT = 0.6
"""Of the target's Bloch vector, on average: less says nothing of a turn."""
SEEN = 4.0
"""Sigmas of an amplitude from which on its phase is one."""
MEDIATED_DOUBT = 0.04
"""Relative, of what the exchange of both hands on: it is known to first order in the exchange, and
by the ladder of the source. ASSUMED."""
SLACK = 0.02
"""What a check may leave beside its noise, of what it cancels: pulses with edges and Drag."""


@dataclass(frozen=True, slots=True)
class DriveWay:
    """The way from the drive line of one qubit to another."""

    bench: Bench
    source: Pulses
    target: Pulses
    exchange_hz: float
    """Between the two; 0: they are not coupled."""
    areas_s: tuple[float, float]
    """Of a pulse of amplitude 1 of each, as it is played."""

    @property
    def both(self) -> tuple[Pulses, Pulses]:
        """The source and the target."""
        return self.source, self.target

    @property
    def frame(self) -> Frame:
        """The target's frequency on the source's line."""
        name = f"{self.source.qubit.element}.at_{self.target.qubit.element}"
        return Frame(name, self.source.qubit.drive_port, self.bench.best(self.target.qubit, "f01"))

    @property
    def quantities(self) -> tuple[str, str]:
        """Names of the parameters behind that of the target: each quantity with the source's."""
        element = self.source.qubit.element
        return f"{QUANTITY}_{element}", f"{QUANTITY}_phase_{element}"

    @property
    def apart_hz(self) -> float:
        """By how much the source lies above the target."""
        return self.bench.best(self.source.qubit, "f01") - self.bench.best(self.target.qubit, "f01")

    def check(self) -> None:
        """Raise FitFailed where the source's output cannot play this, or not in step."""
        wiring = self.bench.runner.facility.wiring
        own, other = (wiring.get(one.qubit.drive_port) for one in self.both[::-1])
        if not (isinstance(own, DriveWiring) and isinstance(other, DriveWiring)):
            raise FitFailed(
                f"{self.source.qubit.name} or {self.target.qubit.name} has no drive line"
            )
        hz, ports = self.frame.frequency_hz, [one.qubit.drive_port for one in self.both]
        if abs(hz - other.lo_hz) > DRIVE_REACH_HZ:
            raise FitFailed(
                f"{ports[0]} plays {DRIVE_REACH_HZ / 1e6:.0f} MHz to both sides of its 'lo' at "
                f"{other.lo_hz / 1e9:.6g} GHz, and {self.target.qubit.element} is at "
                f"{hz / 1e9:.4f} GHz: a 'lo' that reaches both qubits lets it be measured"
            )
        if own.lo_hz != other.lo_hz:
            raise FitFailed(
                f"{ports[0]} and {ports[1]} have local oscillators at {other.lo_hz / 1e9:.6g} and "
                f"{own.lo_hz / 1e9:.6g} GHz: their phases differ from shot to shot; give both the "
                "same 'lo'"
            )

    def largest(self) -> float:
        """Return the largest amplitude of the source that leaves it nearly where it is."""
        bent = self.apart_hz + self.bench.best(self.source.qubit, "anharmonicity")
        nearest = min(abs(self.apart_hz), abs(bent))
        if nearest < 10 * abs(self.exchange_hz):
            raise FitFailed(
                f"{self.target.qubit.element} is {nearest / 1e6:.1f} MHz from a transition of "
                f"{self.source.qubit.element}: a drive there moves the source itself"
            )
        return min(LARGEST, OF_DETUNING * nearest / self.rabi_hz(self.source))

    def rabi_hz(self, one: Pulses) -> float:
        """Return how fast an amplitude of full scale turns a qubit, as its pi pulse tells."""
        return 0.5 / (one.pi_amplitude() * self.areas_s[one is self.target])

    @property
    def controls(self) -> tuple[float, ...]:
        """Pulses on the source before: where it is coupled, none and pi."""
        return (0.0, self.source.pi_amplitude()) if self.exchange_hz else (0.0,)

    def program(self, length_ns: int, top: float, cancel: complex, shots: int) -> Program:
        """Return the target's Bloch components over the source's amplitude.

        ``cancel``: what its own line plays at the same time, over the source's amplitude.
        """
        target, cross = self.target, self.frame.name
        names = (*frame_names(self.both), cross)
        height, turn, prepared, amplitude = (
            f"{target.qubit.element}_{one}"
            for one in ("height", "turn", "source_preparation", "source_amplitude")
        )
        ahead = float(np.angle(cancel)) / (2 * pi)
        shape = FlatTop(length_ns * FS_PER_NS, RISE_NS * FS_PER_NS)
        own: list[Statement] = [
            ShiftPhase(target.drive, ahead),
            Play(target.drive, shape, Affine(amplitude, scale=abs(cancel))),
            ShiftPhase(target.drive, -ahead),
        ]
        body: list[Statement] = [
            *passive_reset(self.both, names, RESET_LIFETIMES),
            self.source.pulse(Affine(prepared)),
            Barrier(names),
            Play(cross, shape, Affine(amplitude)),
            *(own if cancel else ()),
            Barrier(names),
            ShiftPhase(target.drive, Affine(turn)),
            target.pulse(Affine(height)),
            Barrier(names),
            *measure_at_once(self.both),
        ]
        whole = target.pi_amplitude()
        amplitudes = Linear(top / POINTS, top, POINTS)
        axes = (
            Axis("amplitude", (Variable(amplitude, "1", amplitudes),)),
            Axis("source", (Variable(prepared, "1", Table(self.controls)),)),
            Axis(
                "component",
                (
                    Variable(height, "1", Table(tuple(whole * BEFORE[k][0] for k in AXES))),
                    Variable(turn, "turn", Table(tuple(BEFORE[k][1] for k in AXES))),
                ),
            ),
        )
        title = f"{self.source.qubit.element} at the frequency of {target.qubit.element}"
        title += f", {length_ns} ns" + (", cancelled" if cancel else "")
        frames = (*frames_of(self.both), self.frame)
        return Program(title, frames, tuple(body), axes, shots=shots)

    def shift_hz(self) -> float:
        """Return by how much the target's frequency is another with the source in 1 (ZZ)."""
        if not self.exchange_hz:
            return 0.0
        bent = [self.bench.best(one.qubit, "anharmonicity") for one in self.both]
        apart = self.apart_hz
        return 2 * self.exchange_hz**2 * (1 / (apart - bent[1]) - 1 / (apart + bent[0]))

    def share_in_1(self) -> float:
        """Return what the exchange hands on with the source in 1, over that with it in 0.

        To first order in the exchange, from both transitions of the source (Magesan and Gambetta,
        Phys. Rev. A 101, 052308 (2020)).
        """
        bent = self.bench.best(self.source.qubit, "anharmonicity")
        ladder = self.source.pi_amplitude() / self.source.ef_pi_amplitude()
        return ladder**2 * self.apart_hz / (self.apart_hz + bent) - 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TurnData:
    """Holds what one measurement has brought."""

    way: DriveWay
    length_ns: int
    top: float
    seen: Array
    """(amplitudes, controls, 3): Bloch components of the target."""
    sigma: Array

    @property
    def amplitudes(self) -> Array:
        """Of the source's drive, of full scale."""
        return np.linspace(self.top / POINTS, self.top, POINTS)

    @property
    def area_s(self) -> float:
        """The drive's length, its edges as halves."""
        return (self.length_ns - RISE_NS) * 1e-9

    def turn(self, control: int) -> BlochTurn:
        """Return how fast the target turns, Hz for an amplitude of 1. Raises FitFailed."""
        look_at(self.seen)
        long = float(np.mean(np.linalg.norm(self.seen[:, control], axis=1)))
        if not SHORT < long < 2 - SHORT:
            raise FitFailed(
                f"the target's Bloch vector is {long:.2f} long: its pulses or its readout are not "
                "what they were, or the phase between both lines is another in each shot"
            )
        about_z = control * self.way.shift_hz() * self.length_ns * 1e-9
        found = fit_bloch_turn(
            self.amplitudes * self.area_s, self.seen[:, control], self.sigma[:, control], about_z
        )
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"the target does not turn about one axis (source in {control}): points scatter "
                f"{sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        return found

    def lines(self, control: int, fit: BlochTurn | None = None) -> tuple[Series, ...]:
        """Return the Bloch components, and those of a fit."""
        at = self.amplitudes
        found = [Series(axis, at, self.seen[:, control, k]) for k, axis in enumerate(AXES)]
        if fit is not None:
            about_z = control * self.way.shift_hz() * self.length_ns * 1e-9
            weight = at * self.area_s
            vectors = bloch_vector(weight, fit.rate.real, fit.rate.imag, about_z)
            found += [
                Series(f"fit, {axis}", at, vectors[:, k], line=True) for k, axis in enumerate(AXES)
            ]
        return tuple(found)


async def drive_crosstalk(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """The turn of each qubit over the amplitude of a drive at its frequency on another's line.

    For each ordered pair of the node's qubits that were asked for. Where both are coupled, with
    the source in 0 and in 1: the exchange hands on another part of the drive in each, and what is
    left reaches the target itself. Stores ``drive_crosstalk`` and ``drive_crosstalk_phase`` of
    each with the other's name behind it (``drive_crosstalk_q0`` of q1: of the drive of q0): the
    amplitude on its own line that does the same as 1 on the other's, and by how many turns it is
    ahead. That amplitude, turned by half a turn, has to cancel a longer drive.
    """
    outcome = Outcome("drive_crosstalk", "Crosstalk of drive lines")
    for source, target in ordered_pairs(qubits):
        await _of_pair(bench, outcome, source, target)
    return outcome


def ordered_pairs(qubits: tuple[Qubit, ...]) -> tuple[tuple[Qubit, Qubit], ...]:
    """Return each source with each other target; raises NotMeasured for a qubit by itself."""
    if len(qubits) < 2:
        raise NotMeasured(
            "crosstalk is between two qubits of a node: ask for two, or for all", qubits[0].name
        )
    return tuple((source, target) for target in qubits for source in qubits if source is not target)


def _exchange_hz(bench: Bench, one: Qubit, other: Qubit) -> float:
    """Return the exchange of two qubits, as designed or measured; 0: they are not coupled."""
    node = bench.runner.facility.nodes[one.node]
    pair = {one.element, other.element}
    for edge in node.edges.values():
        if set(edge.ends) == pair and "exchange" in edge.design:
            return bench.best(edge, "exchange")
    rates = [c.exchange.value for c in node.couplings.values() if set(c.ends) == pair]
    return float(rates[0]) if rates else 0.0


def way_of(bench: Bench, source: Qubit, target: Qubit) -> DriveWay:
    """Return the way from the drive line of one qubit to another."""
    first, second = Pulses(bench, source), Pulses(bench, target)
    areas_s = 1e-9 * pulse_area_ns(first.pulse_ns), 1e-9 * pulse_area_ns(second.pulse_ns)
    return DriveWay(bench, first, second, _exchange_hz(bench, source, target), areas_s)


async def _of_pair(bench: Bench, outcome: Outcome, source: Qubit, target: Qubit) -> None:
    way = way_of(bench, source, target)
    panel = Panel(target.element, f"amplitude of {source.element} (of full scale)", "Bloch vector")
    try:
        way.check()
        data = await scanned(way, outcome)
    except (FitFailed, NotMeasured) as error:
        record_failure(outcome, target.name, panel, str(error))
        return

    def raw() -> Panel:
        return replace(panel, series=data.lines(0))

    def fit(_: Qubit, raw_panel: Panel) -> Found:
        turns = [data.turn(control) for control in range(len(way.controls))]
        value, sigma = direct(way, turns)
        text = f"{{{way.quantities[0]}}} of the drive of {source.element}"
        size = abs(value)
        found = {way.quantities[0]: Measured(size, sigma, "1")}
        if size > SEEN * sigma:
            ahead = float(np.angle(value)) / (2 * pi)
            found[way.quantities[1]] = Measured(ahead, sigma / size / (2 * pi), "1")
            text += f", {{{way.quantities[1]}}} turns ahead"
        series = data.lines(0, turns[0])
        return found, replace(raw_panel, series=series, text=text, judged=False)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        return await _verify(way, outcome, data)

    await analyse_verified(bench, outcome, target, raw, fit, verify)


def direct(way: DriveWay, turns: list[BlochTurn]) -> tuple[complex, float]:
    """Return what of the drive reaches the target itself, over its own drive, and the sigma."""
    own_hz = way.rabi_hz(way.target)
    facility = way.bench.runner.facility
    own_dbm, other_dbm = (line_begin_dbm(facility, p.qubit.drive_port) for p in way.both[::-1])
    scale = 10 ** ((own_dbm - other_dbm) / 20) / own_hz
    if len(turns) == 1:
        value, sigma = turns[0].rate * scale, turns[0].sigma * scale
    else:
        share = way.share_in_1()
        in_0, in_1 = turns
        value = (in_1.rate - share * in_0.rate) / (1 - share) * scale
        mediated = abs(in_0.rate * scale - value)
        sigma = hypot(in_1.sigma, share * in_0.sigma) / abs(1 - share) * scale
        sigma = hypot(sigma, MEDIATED_DOUBT * mediated)
    return value, sigma


async def measure_turns(
    way: DriveWay, outcome: Outcome, length_ns: int, top: float, cancel: complex, shots: int
) -> TurnData:
    """Measure the target's Bloch components behind a drive; shots and ``cancel`` as of a program.

    ``top``: the largest amplitude of the source, of full scale; ``shots``: before thoroughness.
    """
    shots = way.bench.shots(shots)
    data = await way.bench.run(outcome, way.program(length_ns, top, cancel, shots))
    for one in way.both:
        refuse_clipped(outcome, one.qubit.element)
    reference = levels(way.bench, way.target.qubit)
    signal = reference.project(iq_of(data, way.target.qubit.element))
    return TurnData(way, length_ns, top, 1 - 2 * signal, 2 * reference.sigma(signal, shots))


async def scanned(way: DriveWay, outcome: Outcome) -> TurnData:
    """Measure with longer drives until the target turns by enough."""
    top = way.largest()
    t2_s = way.bench.best(way.target.qubit, "t2_ramsey")
    lengths = [ns for ns in LENGTHS_NS if ns * 1e-9 < t2_s / 3] or [LENGTHS_NS[0]]
    for length_ns in lengths:
        data = await measure_turns(way, outcome, length_ns, top, 0j, SHOTS)
        if data.seen[..., AXES.index("z")].min() < cos(2 * pi * ENOUGH_TURNS):
            break
    return data


async def _verify(way: DriveWay, outcome: Outcome, data: TurnData) -> Panel:
    """Drive for longer, and cancel it by the target's own line: it has to stay where it is."""
    seen = data.turn(0)
    cancel = -seen.rate / way.rabi_hz(way.target)
    length_ns = on_grid_ns(CHECK_LENGTH * data.length_ns * 1e-9)
    again = await measure_turns(way, outcome, length_ns, data.top, cancel, CHECK_SHOTS)
    left = again.turn(0)
    allowed = 5 * hypot(left.sigma, seen.sigma) + SLACK * abs(seen.rate)
    if not abs(left.rate) < allowed:
        raise FitFailed(
            f"cancelled by its own line, a drive of {length_ns} ns on that of "
            f"{way.source.qubit.element} still turns {way.target.qubit.element} by "
            f"{abs(left.rate) / max(abs(seen.rate), left.sigma):.0%} of what it did: the crosstalk "
            "is not believed"
        )
    return Panel(
        way.target.qubit.element,
        f"amplitude of {way.source.qubit.element} (of full scale)",
        "Bloch vector, cancelled",
        again.lines(0),
        text=f"cancelled by {abs(cancel):.4f} on its own line",
        judged=False,
    )


DRIVE_CROSSTALK = Declaration(
    drive_crosstalk,
    targets="qubits",
    needs=(*DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={QUANTITY: Lifetime(30 * DAY_S), f"{QUANTITY}_phase": Lifetime(1 * DAY_S, of_epoch=True)},
    places=(),
    cost_s=8.0,
)
