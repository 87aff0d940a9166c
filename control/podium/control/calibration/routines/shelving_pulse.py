"""Finds the pulse that takes a fluxonium from 1 to 2, and how long 2 lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.decay import exponential, fit_decay
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.oscillation import cosine, fit_rabi
from podium.control.calibration.fits.peak import PulsePrior, pulse_line
from podium.control.calibration.fits.projection import Levels, principal_axis
from podium.control.calibration.herald import can_herald, herald, mean_in_0
from podium.control.calibration.line_scan import (
    LineScan,
    Rabi,
    Range,
    expected_strength,
    line_pulse_ns,
    there_and_back,
)
from podium.control.calibration.line_search import LineScanFit, SearchPlan, find_lines
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.plasmon_pulses import energies, expected_rabi
from podium.control.calibration.routine import (
    Found,
    analyse,
    analyse_verified,
    record_failure,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    PI_AMPLITUDE,
    Pulses,
    frame_names,
    frames_of,
    linear_times,
    pi_amplitude_of,
    pi_pulse_ns,
)
from podium.control.calibration.shelving import Shelving, shelving_frame, why_not_shelved
from podium.control.facility.facility import Qubit
from podium.control.facility.fluxonium import spectrum
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Play,
    Program,
    SetFrequency,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
PLAN = SearchPlan(
    step_hz=3e6,
    least_points=41,
    shots=240,
    narrow_steps_hz=(0.8e6, 1.5e6),
    narrow_points=25,
    narrow_shots=500,
    port=lambda qubit: qubit.plasmon_port,
)
"""A pulse of 20 to 30 ns needs its line to a megahertz or so."""
SPREADS = 3.0
MORE_HZ = 8e6
"""What the resonator may move a plasmon by, beside the spread of its design."""
POINTS, SHOTS = 41, 500
PERIODS = 1.25
"""Range of the scan of amplitudes, in periods of the oscillation as spectroscopy expects it."""
SET_EXACTLY_S = 1e-12
"""Sigma of a length that was set, not found."""
DELAYS, DECAY_SHOTS, FOLDS = 24, 2000, 2.5
"""Of the scan of the lifetime of 2: points, shots, and its length in lifetimes as expected."""
DECAY_DOUBT = 0.06
"""Relative: what has decayed to 1 reads a little less than what is in 2, and decays on. ASSUMED."""
CHECK_SHOTS = 2000
NO_RESULTS = "no results are told by the readout in use: run single_shot first"
COMES_BACK = 0.12
"""Of what one pulse moves, at most so much may a second one leave behind."""


async def shelving_pulse(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Look for 1-2 of fluxoniums, scan the amplitude of a pulse there, let 2 decay.

    Heralded shots begin in 1; a pi pulse brings to 0 what is in 1 still, and what is read is what
    it has left. Stores ``shelving_frequency`` (Hz), ``shelving_pi_amplitude`` (of full scale),
    ``shelving_duration`` and ``shelved_t1`` (s), the first three where two pulses in a row bring 1
    back. Nothing is shelved by that alone: see :func:`plasmon_readout`.
    """
    outcome = Outcome("shelving_pulse", "Pulses from 1 to 2")
    for qubit in qubits:
        reason = why_not_shelved(bench, qubit)
        if reason is None:
            await _of_qubit(bench, outcome, qubit)
        else:
            outcome.notes.append(f"{reason}: left out")
    return outcome


async def _of_qubit(bench: Bench, outcome: Outcome, qubit: Qubit) -> None:
    if not can_herald((Pulses(bench, qubit),)):
        panel = Panel(qubit.element, "drive frequency (GHz)", "signal (mV)")
        record_failure(outcome, qubit.name, panel, NO_RESULTS)
        return
    seen = await _line(bench, outcome, qubit)
    if seen is None:
        return
    rabi_hz, _ = seen.scan.rabi_hz(qubit, seen.fit)
    length_ns = pi_pulse_ns(rabi_hz, PI_AMPLITUDE)
    frame = shelving_frame(qubit, seen.fit.values["centre"])
    pulse = Shelving(frame, length_ns, pi_amplitude_of(rabi_hz, length_ns))
    if not await _amplitude(bench, outcome, Pulses(bench, qubit), pulse, seen.fit):
        return
    found = outcome.measured[f"{qubit.name}.shelving_pi_amplitude"]
    await _lifetime(bench, outcome, Pulses(bench, qubit), replace(pulse, amplitude=found.value))


@dataclass(frozen=True, slots=True)
class _Shot:
    """A shot, heralded in 0 and begun in 1, that reads what a pi pulse does not bring to 0."""

    p: Pulses
    frame: str
    """Of the pulses on 1-2."""

    def program(
        self,
        title: str,
        pulse: Shelving,
        played: Sequence[Statement],
        axes: tuple[Axis, ...],
        shots: int,
    ) -> Program:
        """Return the program; ``played`` lies between both pi pulses."""
        others = [one for one in frames_of((self.p,)) if one.name != self.frame]
        names = tuple(dict.fromkeys((*frame_names((self.p,)), self.frame)))
        together = Barrier(names)
        set_first = [one for one in played if isinstance(one, SetFrequency)]
        rest = [one for one in played if not isinstance(one, SetFrequency)]
        body = [
            *set_first,
            *herald((self.p,), names),
            *(together, self.p.pi(), together, *rest, together, self.p.pi(), together),
            *self.p.measure(shelved=False),
        ]
        frames = (*others, pulse.frame)
        return Program(title, frames, tuple(body), axes, shots=shots, keep_shots=True)


def _signal(data: "xarray.Dataset", element: str, reference: Levels) -> Array:
    """Return the signal of the shots that began in 0, V. Raises FitFailed."""
    return principal_axis(mean_in_0(data, element, reference))


def _drawn(data: "xarray.Dataset", element: str, reference: Levels) -> Array:
    """Return the same, or that of all shots where none began in 0 for sure."""
    try:
        return _signal(data, element, reference)
    except FitFailed:
        return principal_axis(np.mean(iq_of(data, element), axis=0))


async def _line(bench: Bench, outcome: Outcome, qubit: Qubit) -> LineScanFit | None:
    """Return the line of 1-2; None: it was not seen, and the outcome says so."""
    p = Pulses(bench, qubit)
    f01, bend = (bench.design(qubit, name) for name in ("f01", "anharmonicity"))
    middle = bench.best(qubit, "f01") + bend.value
    half = SPREADS * float(np.hypot(f01.spread, bend.spread)) + MORE_HZ

    def build(
        ranges: Mapping[str, Range], _: tuple[Qubit, ...], points: int, shots: int, known: Rabi
    ) -> LineScan:
        return line_scan(p, ranges[qubit.name], points, bench.shots(shots), known[qubit.name])

    expected, rabi = {qubit.name: Range(middle - half, middle + half)}, expected_rabi(p)
    lines = await find_lines(bench, outcome, (qubit,), expected, build, {qubit.name: rabi}, PLAN)
    seen = lines.seen.get(qubit.name)
    if seen is None:
        record_failure(outcome, qubit.name, lines.panels[qubit.name], lines.reasons[qubit.name])
        return None
    at = np.sort(seen.scan.frequency_hz(qubit, seen.data))
    fitted = pulse_line(at, seen.fit.values, seen.scan.duration_s)
    panel = seen.scan.draw(qubit, seen.data)
    line = Series("fit", at / 1e9, fitted * 1e3, line=True)
    text = f"1-2 at {seen.fit.values['centre'] / 1e9:.6f} GHz"
    outcome.panels.append(panel.fitted(line, text=text))
    return seen


def line_scan(
    p: Pulses, span: Range, points: int, shots: int, rabi: tuple[float, float]
) -> LineScan:
    """Return a scan of a weak pulse over 1-2; ``rabi``: at full scale, and its sigma, Hz."""
    qubit = p.qubit
    name = f"{qubit.element}_shelving_frequency"
    length_ns = line_pulse_ns(span.span / (points - 1))
    amplitude = min(0.95, 1e9 / (2 * length_ns) / rabi[0])
    pulse = Shelving(shelving_frame(qubit, span.centre), length_ns, amplitude)
    played = (
        SetFrequency(pulse.frame.name, Affine(name)),
        Play(pulse.frame.name, Square(length_ns * FS_PER_NS), amplitude),
    )
    axes = (Axis("drive", (there_and_back(name, span, points),)),)
    shot = _Shot(p, pulse.frame.name)
    return LineScan(
        shot.program("1-2 of a fluxonium", pulse, played, axes, shots),
        "shelving_frequency",
        length_ns * 1e-9,
        {qubit.name: amplitude},
        {qubit.name: PulsePrior(expected_strength(amplitude, length_ns, rabi))},
        levels(p.bench, qubit),
    )


async def _amplitude(bench: Bench, outcome: Outcome, p: Pulses, pulse: Shelving, line: Fit) -> bool:
    """Find the amplitude of a pi pulse, and play two in a row; tell whether it was stored."""
    qubit, name = p.qubit, f"{p.qubit.element}_shelving_amplitude"
    top = min(0.999, PERIODS * 2 * pulse.amplitude)
    scan = Variable(name, "1", Linear.steps(0.0, top / (POINTS - 1), POINTS))
    played = (pulse.pulse(Affine(name)),)
    shot = _Shot(p, pulse.frame.name)
    axes = (Axis("amplitude", (scan,)),)
    program = shot.program("Rabi of 1-2", pulse, played, axes, bench.shots(SHOTS))
    data = await bench.run(outcome, program)
    amplitude = values_of(data, name)

    reference = levels(bench, qubit)

    def raw() -> Panel:
        series = (Series("data", amplitude, _drawn(data, qubit.element, reference) * 1e3),)
        return Panel(qubit.element, "pulse amplitude (full scale)", "signal (mV)", series)

    def fit(_: Qubit, panel: Panel) -> Found:
        found = fit_rabi(amplitude, _signal(data, qubit.element, reference), 2 * pulse.amplitude)
        half, sigma = found.values["period"] / 2, found.sigmas["period"] / 2
        if half > 1.0:
            raise FitFailed(
                f"a pi pulse takes {half:.2f} of full scale: less attenuation is needed"
            )
        fitted = Series("fit", amplitude, cosine(amplitude, found.values) * 1e3, line=True)
        values = {
            "shelving_frequency": Measured(line.values["centre"], line.sigmas["centre"], "Hz"),
            "shelving_pi_amplitude": Measured(half, sigma, "1"),
            "shelving_duration": Measured(pulse.duration_ns * 1e-9, SET_EXACTLY_S, "s"),
        }
        text = "pi pulse on 1-2 at {shelving_pi_amplitude}"
        return values, panel.fitted(fitted, text=text)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        height = found["shelving_pi_amplitude"].value
        return await _two_in_a_row(bench, outcome, p, replace(pulse, amplitude=height))

    return await analyse_verified(bench, outcome, qubit, raw, fit, verify)


async def _two_in_a_row(bench: Bench, outcome: Outcome, p: Pulses, pulse: Shelving) -> Panel:
    """Play none, one and two pulses. Raises FitFailed where two do not bring 1 back."""
    element, amplitude = p.qubit.element, pulse.amplitude
    names = [f"{element}_{one}_shelving" for one in ("first", "second")]
    tables = Table((0.0, amplitude, amplitude)), Table((0.0, 0.0, amplitude))
    played = tuple(pulse.pulse(Affine(name)) for name in names)
    variables = tuple(Variable(n, "1", t) for n, t in zip(names, tables, strict=True))
    shot = _Shot(p, pulse.frame.name)
    axes = (Axis("pulses", variables),)
    program = shot.program("two pulses on 1-2", pulse, played, axes, bench.shots(CHECK_SHOTS))
    data = await bench.run(outcome, program)
    iq = mean_in_0(data, element, levels(bench, p.qubit))
    moved = np.real((iq - iq[0]) * np.conj(iq[1] - iq[0])) / max(abs(iq[1] - iq[0]) ** 2, 1e-300)
    panel = Panel(
        element,
        "pulses on 1-2",
        "what a pi pulse leaves, of one pulse's",
        (Series("data", np.arange(3.0), moved),),
        text=f"two pulses leave {moved[2]:.3f} of what one does",
    )
    if abs(moved[2]) > COMES_BACK:
        raise FitFailed(f"two pulses on 1-2 leave {moved[2]:.2f} of what one does in 2")
    return panel


async def _lifetime(bench: Bench, outcome: Outcome, p: Pulses, pulse: Shelving) -> None:
    """Let 2 decay between two pulses, and store its lifetime."""
    qubit, name = p.qubit, f"{p.qubit.element}_delay"
    charge = spectrum(energies(bench, qubit)).charge
    expected_s = bench.best(qubit, "t1") * float(charge[0, 1] / charge[1, 2]) ** 2
    delay = linear_times(name, FOLDS * expected_s, DELAYS)
    wait = Delay((pulse.frame.name,), Affine(name))
    shot, axes = _Shot(p, pulse.frame.name), (Axis("delay", (delay,)),)
    played = (pulse.pulse(), wait, pulse.pulse())
    program = shot.program("decay of 2", pulse, played, axes, bench.shots(DECAY_SHOTS))
    data = await bench.run(outcome, program)
    delay_s = values_of(data, name)

    reference = levels(bench, qubit)

    def raw(_: Qubit) -> Panel:
        series = (Series("data", delay_s * 1e6, _drawn(data, qubit.element, reference) * 1e3),)
        return Panel(qubit.element, "time in 2 (µs)", "signal (mV)", series)

    def fit(_: Qubit, panel: Panel) -> Found:
        found = fit_decay(delay_s, _signal(data, qubit.element, reference), None, expected_s)
        lives_s = found.values["decay"]
        sigma = float(np.hypot(found.sigmas["decay"], DECAY_DOUBT * lives_s))
        line = Series("fit", delay_s * 1e6, exponential(delay_s, found.values) * 1e3, line=True)
        text = "2 lives {shelved_t1}"
        values = {"shelved_t1": Measured(lives_s, sigma, "s")}
        return values, panel.fitted(line, text=text)

    await analyse(bench, outcome, (qubit,), raw, fit)


SHELVING_PULSE = Declaration(
    shelving_pulse,
    targets="plasmon qubits",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "shelving_frequency": Lifetime(7 * DAY_S),
        "shelving_pi_amplitude": Lifetime(7 * DAY_S),
        "shelving_duration": Lifetime(7 * DAY_S),
        "shelved_t1": Lifetime(7 * DAY_S),
    },
    places=(154,),
    cost_s=0.0,
)
