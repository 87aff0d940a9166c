"""Tunes a CNOT of fixed frequencies: an echoed cross-resonance drive and its cancellation tone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import atan2, pi
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.bloch_turn import BlochTurn, fit_bloch_turn
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import on_grid_ns, pulse_area_ns
from podium.control.calibration.target import captures_of
from podium.control.client.cross_resonance import RISE_NS, CrossDrive
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Linear,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
OF_DETUNING = 0.22
"""The drive turns its control at this share of its distance from the target's frequency."""
LARGEST = 0.9
"""Amplitude, of full scale."""
POINTS = 7
SHOTS = 400
FINE_SHOTS = 800
FINE_REACH = 0.3
"""The second scan goes so far to both sides of the amplitude that the first one tells."""
AXES = ("x", "y", "z")
BEFORE = {"x": (0.5, -0.25), "y": (0.5, 0.0), "z": (0.0, 0.0)}
"""Share of a pi pulse before the readout, and its phase in turns, by what is measured."""
PHASES = (0.0, 0.25, 0.5, 0.75)
SCATTERED = 30.0
COHERENT = 0.2
"""Half of the fringes' contrast that the control keeps through the echo, at least."""
APART_TURNS = 0.12
"""By which the target's turn may differ from a quarter."""
FLIPPED, KEPT = 0.8, 0.2
"""A CNOT flips the target so often with the control in 1 at least, in 0 at most."""


@dataclass(frozen=True, slots=True)
class _Tones:
    """The drive of an edge in a program."""

    p: EdgePulses
    drive: CrossDrive

    def scan(
        self, amplitudes: Linear, share: float, shots: int, *, echoed: bool, title: str
    ) -> Program:
        """Return the target's three Bloch components over the amplitude, control in 0 and in 1.

        ``share``: amplitude of the tone on the target over that of the drive.
        """
        p, target = self.p, self.p.second
        height, turn = f"{target.qubit.element}_height", f"{target.qubit.element}_turn"
        prepared = f"{p.first.qubit.element}_preparation"
        at = Affine("cross_amplitude")
        cancel = Affine("cross_amplitude", scale=share)
        if echoed:
            tones = self.drive.echoed(at, cancel, p.first.pi())
        else:
            tones = self.drive.once(at, cancel)
        body = [
            *p.begin(),
            *p.one_by_one([[p.first.pulse(Affine(prepared))]]),
            *tones,
            *p.one_by_one([[ShiftPhase(target.drive, Affine(turn)), target.pulse(Affine(height))]]),
            *p.read(),
        ]
        whole = target.pi_amplitude()
        axes = (
            Axis("amplitude", (Variable("cross_amplitude", "1", amplitudes),)),
            Axis("control", (Variable(prepared, "1", Table((0.0, p.first.pi_amplitude()))),)),
            Axis(
                "component",
                (
                    Variable(height, "1", Table(tuple(whole * BEFORE[k][0] for k in AXES))),
                    Variable(turn, "turn", Table(tuple(BEFORE[k][1] for k in AXES))),
                ),
            ),
        )
        return Program(title, p.frames(), tuple(body), axes, shots=shots)

    def components(self, data: "xarray.Dataset", shots: int) -> tuple[Array, Array]:
        """Return Bloch components (amplitudes, controls, 3) of the target, and their sigmas."""
        reference = levels(self.p.bench, self.p.second.qubit)
        signal = reference.project(iq_of(data, self.p.second.qubit.element))
        return 1 - 2 * signal, 2 * reference.sigma(signal, shots)


async def cross_resonance(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """The target's turn over the amplitude of a drive of the control, the control in 0 and in 1.

    Hamiltonian tomography (Sheldon et al., Phys. Rev. A 93, 060302 (2016)) without an echo gives
    the phase of the drive and the tone that cancels what turns the target alone; with an echo the
    amplitude of a quarter turn, by Ramsey then the control's phase. Stores ``cross_amplitude``,
    ``cancel_amplitude`` (of full scale), ``cross_phase``, ``cancel_phase``, ``control_phase``
    (turns), ``cross_duration`` (s, of each half), ``cross_rate`` (Hz, ZX at that amplitude), and
    how long the qubits' pulses are that go with it, ``control_pulse``, ``target_pulse`` (s).
    The CNOT that they make has to flip the target where the control is in 1, and not else.
    """
    outcome = Outcome("cross_resonance", "Cross-resonance")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def _expected(p: EdgePulses) -> tuple[int, float]:
    """Return the length of each half, ns, and the amplitude that a quarter turn should have.

    By perturbation theory, to first order in the drive. Raises NotMeasured for an edge whose drive
    is at a transition of its control, or too weak.
    """
    bench, control = p.bench, p.first
    apart = bench.best(control.qubit, "f01") - bench.best(p.second.qubit, "f01")
    bent = apart + bench.best(control.qubit, "anharmonicity")
    exchange = abs(bench.design(p.edge, "exchange").value)
    nearest = min(abs(apart), abs(bent))
    if nearest < 2 * exchange:
        raise NotMeasured(
            f"{p.edge.name}: {p.second.qubit.element} is {nearest / 1e6:.1f} MHz from a transition "
            f"of its control {control.qubit.element}: a drive there moves the control itself",
            p.edge.name,
        )
    rabi_hz = 0.5 / (control.pi_amplitude() * pulse_area_ns(control.pulse_ns) * 1e-9)
    amplitude = min(LARGEST / (1 + FINE_REACH), OF_DETUNING * nearest / rabi_hz)
    rate_hz = exchange * rabi_hz * amplitude * abs(1 / bent - 1 / apart)
    top_ns = 1e9 / (8 * rate_hz)
    return on_grid_ns((top_ns + RISE_NS) * 1e-9), amplitude


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    half_ns, expected = _expected(p)
    area_s = (half_ns - RISE_NS) * 1e-9
    tones = _Tones(p, p.cross_drive(half_ns, 0.0, 0.0))
    shots = bench.shots(SHOTS)
    at = np.linspace(expected / 5, expected, POINTS)
    first = await _scanned(outcome, tones, at, 0.0, shots, echoed=False)

    def raw() -> Panel:
        name = p.second.qubit.element
        lines = tuple(
            Series(f"{axis}, control in {c}", at, first[f"{name}_i"].values[:, c, k] * 1e3)
            for c in (0, 1)
            for k, axis in enumerate(AXES)
        )
        return Panel(edge.element, "amplitude (of full scale)", "I (mV)", lines)

    panel = raw()
    try:
        for element in captures_of(edge):
            refuse_clipped(outcome, element)
        fine, text, seen = await _tuned(bench, outcome, tones, first, at, area_s)
    except FitFailed as error:
        record_failure(outcome, edge.name, panel, str(error))
        return
    name = p.second.qubit.element
    panel = Panel(edge.element, "amplitude (of full scale)", f"Bloch vector of {name}", seen)

    def fit(_: Edge, _raw: Panel) -> Found:
        return fine, replace(panel, text=text, judged=False)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(p, outcome, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _tuned(
    bench: Bench, outcome: Outcome, tones: _Tones, first: "xarray.Dataset", at: Array, area_s: float
) -> tuple[dict[str, Measured], str, tuple[Series, ...]]:
    """Return what was found, what to say of it, and the second scan's lines."""
    p, shots = tones.p, bench.shots(SHOTS)
    zz = bench.measured(p.edge, "zz") or 0.0
    half_s = tones.drive.duration_fs * 1e-15
    zero, one = (_turn(tones, first, shots, at * area_s, c, zz * half_s * c) for c in (0, 1))
    zx, ix = (zero.rate - one.rate) / 2, (zero.rate + one.rate) / 2
    if not abs(zx) > 5 * np.hypot(zero.sigma, one.sigma):
        raise FitFailed(
            "the control makes no difference to how the drive turns the target: ZX is "
            f"{abs(zx) * at[-1] / 1e3:.1f} kHz at the largest amplitude"
        )
    phase = -atan2(zx.imag, zx.real) / (2 * pi)
    target_hz = 0.5 / (p.second.pi_amplitude() * pulse_area_ns(p.second.pulse_ns) * 1e-9)
    share = abs(ix) / target_hz
    cancel_phase = atan2(ix.imag, ix.real) / (2 * pi) + phase + 0.5
    half_ns = round(tones.drive.duration_fs / FS_PER_NS)
    drive = p.cross_drive(half_ns, phase % 1.0, cancel_phase % 1.0)
    middle = 1 / (8 * abs(zx) * area_s)
    if middle * (1 + FINE_REACH) > 1.0:
        raise FitFailed(
            f"a quarter turn in two halves of {half_ns} ns takes {middle:.2f} of full scale: the "
            "line is too weak, or the exchange smaller than the file says"
        )
    tuned = _Tones(p, drive)
    near = middle * np.linspace(1 - FINE_REACH, 1 + FINE_REACH, POINTS)
    fine_shots = bench.shots(FINE_SHOTS)
    data = await _scanned(outcome, tuned, near, share, fine_shots, echoed=True)
    turns = [_turn(tuned, data, fine_shots, 2 * near * area_s, c) for c in (0, 1)]
    echo = (turns[0].rate - turns[1].rate) / 2
    sigma = float(np.hypot(turns[0].sigma, turns[1].sigma)) / 2
    drive = replace(drive, phase=(phase - atan2(echo.imag, echo.real) / (2 * pi)) % 1.0)
    amplitude = 1 / (8 * abs(echo) * area_s)
    turned, turned_sigma = await _phase(bench, outcome, _Tones(p, drive), amplitude, share)
    components, _ = tuned.components(data, fine_shots)
    lines = tuple(
        Series(f"{axis}, control in {c}", near, components[:, c, k])
        for c in (0, 1)
        for k, axis in enumerate(AXES)
    )
    around = sigma / abs(echo) / (2 * pi)
    doubt = float(np.hypot(zero.sigma, one.sigma)) / 2
    found = {
        "cross_amplitude": Measured(amplitude, amplitude * sigma / abs(echo), "1"),
        "cross_phase": Measured(drive.phase, around, "1"),
        "cross_duration": Measured(half_ns * 1e-9, 1e-12, "s"),
        "cross_rate": Measured(abs(echo) * amplitude, sigma * amplitude, "Hz"),
        "cancel_amplitude": Measured(share * amplitude, doubt / target_hz * amplitude, "1"),
        "cancel_phase": Measured(drive.cancel_phase, doubt / max(abs(ix), doubt) / (2 * pi), "1"),
        "control_pulse": Measured(p.first.pulse_ns * 1e-9, 1e-12, "s"),
        "target_pulse": Measured(p.second.pulse_ns * 1e-9, 1e-12, "s"),
        "control_phase": Measured(turned, turned_sigma, "1"),
    }
    return found, "ZX {cross_rate} at {cross_amplitude}, twice {cross_duration}", lines


async def _scanned(
    outcome: Outcome, tones: _Tones, at: Array, share: float, shots: int, *, echoed: bool
) -> "xarray.Dataset":
    """Measure at each amplitude, a run for each: together they are long, for twins too."""
    import xarray  # heavy

    title = f"cross-resonance, {'echoed' if echoed else 'no echo'}"
    rows = []
    for amplitude in at.tolist():
        one = Linear(amplitude, amplitude, 1)
        program = tones.scan(one, share, shots, echoed=echoed, title=title)
        rows.append(await tones.p.bench.run(outcome, program))
    return xarray.concat(rows, dim="amplitude", combine_attrs="override")


def _turn(
    tones: _Tones,
    data: "xarray.Dataset",
    shots: int,
    weight: Array,
    control: int,
    about_z: float = 0.0,
) -> BlochTurn:
    """Return how fast the target turns, for each unit of amplitude; ``weight``: times seconds."""
    seen, sigma = tones.components(data, shots)
    look_at(seen)
    found = fit_bloch_turn(weight, seen[:, control], sigma[:, control], about_z)
    if found.chi2 > SCATTERED:
        raise FitFailed(
            f"the target does not turn about one axis (control in {control}): points scatter "
            f"{np.sqrt(found.chi2):.1f} times as much as their shots explain"
        )
    return found


async def _phase(
    bench: Bench, outcome: Outcome, tones: _Tones, amplitude: float, share: float
) -> tuple[float, float]:
    """Return by how many turns the control's frame has to go behind the echo, and the sigma.

    Ramsey on the control, the target along +X and -X: those turn it by a quarter either way.
    """
    p = tones.p
    control, target = p.both
    height, phase = f"{target.qubit.element}_height", f"{control.qubit.element}_phase"
    shots = bench.shots(FINE_SHOTS)
    echo = tones.drive.echoed(amplitude, share * amplitude, control.pi())
    body: Sequence[Statement] = [
        *p.begin(),
        *p.one_by_one([[ShiftPhase(target.drive, 0.25), target.pulse(Affine(height)),
                        ShiftPhase(target.drive, -0.25)], [control.half_pi()]]),
        *echo,
        *p.one_by_one([[ShiftPhase(control.drive, Affine(phase)), control.half_pi()]]),
        *p.read(),
    ]  # fmt: skip
    half = target.pi_amplitude() / 2
    axes = (
        Axis("target", (Variable(height, "1", Table((half, -half))),)),
        Axis("phase", (Variable(phase, "turn", Table(PHASES)),)),
    )
    title = f"phase of {control.qubit.element} behind the echo"
    data = await bench.run(outcome, Program(title, p.frames(), tuple(body), axes, shots=shots))
    reference = levels(bench, control.qubit)
    signal = reference.project(iq_of(data, control.qubit.element))
    look_at(signal)
    # 1 is likeliest where the second pulse goes on from the first: at the phase of the control
    waves = signal @ np.exp(2j * pi * np.array(PHASES))
    size = float(np.min(np.abs(waves))) / 2
    if size < COHERENT:
        raise FitFailed(
            f"the control is left with {size / 0.5:.0%} of its coherence by the echo: the drive "
            "excites it, or takes too long"
        )
    ahead = np.angle(waves) / (2 * pi)
    own = ahead - np.array([0.25, -0.25])  # a quarter either way is the gate itself
    apart = float((own[1] - own[0] + 0.5) % 1.0 - 0.5)
    if abs(apart) > APART_TURNS:
        raise FitFailed(
            "the target along X and -X turns the control by "
            f"{abs((ahead[1] - ahead[0]) % 1.0):.3f} turns against each other, not by half a turn"
        )
    sigma = float(np.max(reference.sigma(signal, shots))) / (2 * pi * size)
    return float((own[0] + apart / 2 + 0.5) % 1.0 - 0.5), sigma


async def _verify(p: EdgePulses, outcome: Outcome, found: Mapping[str, Measured]) -> Panel:
    """Play the CNOT with the control in 0 and in 1, the target in 0 and in 1."""
    gate = p.cross_gate({name: one.value for name, one in found.items()})
    first, second = p.both
    names = [f"{one.qubit.element}_preparation" for one in p.both]
    shots = p.bench.shots(FINE_SHOTS)
    body = [
        *p.begin(),
        *p.one_by_one([[one.pulse(Affine(name))] for one, name in zip(p.both, names, strict=True)]),
        *gate.statements,
        *p.read(),
    ]
    axes = tuple(
        Axis(f"{word}", (Variable(name, "1", Table((0.0, one.pi_amplitude()))),))
        for word, one, name in zip(("control", "target"), p.both, names, strict=True)
    )
    data = await p.bench.run(outcome, Program("CNOT", p.frames(), tuple(body), axes, shots=shots))
    excited = levels(p.bench, second.qubit).project(iq_of(data, second.qubit.element))
    look_at(excited)
    flipped = np.array([excited[:, 0], 1 - excited[:, 1]]).mean(axis=0)
    if not (flipped[0] < KEPT and flipped[1] > FLIPPED):
        raise FitFailed(
            f"played as a CNOT, the target is flipped in {flipped[0]:.0%} of the shots with "
            f"{first.qubit.element} in 0 and in {flipped[1]:.0%} with it in 1"
        )
    states = np.arange(4.0)
    should = np.array([0.0, 1.0, 1.0, 0.0])
    return Panel(
        p.edge.element,
        "control and target: 00, 01, 10, 11",
        f"P(1) of {second.qubit.element}",
        (
            Series("measured anew", states, excited.reshape(-1)),
            Series("CNOT", states, should, line=True),
        ),
        text=f"flips {flipped[0]:.1%} with the control in 0, {flipped[1]:.1%} with it in 1",
        judged=False,
    )


CROSS_RESONANCE = Declaration(
    cross_resonance,
    targets="edges",
    gates=("cnot",),
    turns_of=("cnot",),
    needs=(*DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "cross_amplitude": Lifetime(1 * DAY_S),
        "cross_phase": Lifetime(1 * DAY_S),
        "cross_duration": Lifetime(7 * DAY_S),
        "cross_rate": Lifetime(7 * DAY_S),
        "cancel_amplitude": Lifetime(1 * DAY_S),
        "cancel_phase": Lifetime(1 * DAY_S),
        "control_phase": Lifetime(1 * DAY_S),
        "control_pulse": Lifetime(7 * DAY_S),
        "target_pulse": Lifetime(7 * DAY_S),
    },
    places=(20,),
    cost_s=4.0,
)
