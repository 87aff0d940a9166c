"""Finds whether a readout tells more where 1 is taken to 2 before it, and reads so if it does.

What counts is errors, not how far apart the resonator's lines are: 2 decays to 1, and from there to
0 no sooner than any 1 does. So shelving may pay although 2 pulls the resonator less than 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.enough_shots import found_and_sigma
from podium.control.calibration.fits.iq_clouds import Discrimination, discriminate, rare_errors
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.resonator import fit_resonance
from podium.control.calibration.herald import (
    back_to_0,
    can_herald,
    herald,
    heralds_of,
    mean_in_0,
    surely_in_0,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.preparation_errors import herald_timings, ideal_fidelity
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.routine import bounded, record_failure, refuse_clipped
from podium.control.calibration.routines.resonator_spectroscopy import probe_window
from podium.control.calibration.routines.shelving_pulse import NO_RESULTS
from podium.control.calibration.routines.single_shot import described, levels, rare
from podium.control.calibration.sequences import (
    Pulses,
    frame_names,
    frames_of,
    linear_frequencies,
)
from podium.control.calibration.shelving import (
    Shelving,
    is_shelved,
    shelving_of,
    why_not_shelved,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Frame,
    Program,
    SetFrequency,
    Table,
    Variable,
)

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

LINE_POINTS, LINE_SHOTS = 41, 600
"""Of the scan of the resonator with the qubit in 0, 1 and 2."""
HALF_KAPPAS, HALF_CHIS = 3.0, 6.0
"""It reaches so far to both sides: so many widths, and so many times the distance of 0 and 1."""
GENTLE = 0.005
"""Its photons on resonance, of the critical number: 2 may have a much smaller one than 0 and 1."""
LINE_DOUBT = 0.05
"""Of the distance of 2 from 1: so much of 2 has decayed in a window, about. ASSUMED."""
SETTING_POINTS, SETTING_SHOTS = 21, 200
AMPLITUDES = (0.35, 0.6, 1.0)
"""Of settings that are tried: frequencies over half of that scan; amplitudes, of that in use."""
TRIAL_SHOTS = 30_000
"""Of each preparation and each of both ways to read. Twice: to choose, and to judge."""
SEEN = 0.8
"""Of 1 without the pulse, at least so much has to be read as 1 by the threshold for 2: flips find a
qubit there that the pulse of a reset has brought down from 2."""
CLEARLY, ALIKE = 4.0, 4.0
"""Sigmas by which one way has to be better, both times; and by which both times may differ."""
DRAWN = 400
SET_EXACTLY_HZ = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Frequency and amplitude of a probe."""

    frequency_hz: float
    amplitude: float


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Both ways to read, counted side by side."""

    bare: Discrimination
    shelved: Discrimination
    clouds: Mapping[str, tuple[ComplexArray, ComplexArray]]
    """By the way: heralded shots in 0 and in 1."""
    seen: float
    """Share of 1 that is read as 1 by the threshold for 2, with its probe and without the pulse."""

    @property
    def gain(self) -> Measured:
        """By how much more is told where 1 is shelved, of the mean of both preparations."""
        sigma = float(np.hypot(self.bare.sigma, self.shelved.sigma))
        return Measured(self.shelved.fidelity - self.bare.fidelity, sigma, "1")


async def plasmon_readout(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Read 0 and 1 as they are and with 1 in 2, and keep what is clearly better.

    Needs :func:`shelving_pulse` and :func:`single_shot`. Where shelving is better in two runs by
    :data:`CLEARLY` sigmas it is played before every readout from here on. Stores then ``shelving``
    (by how much the fidelity is higher), ``shelved_shift`` (Hz: from the resonator's line in 0 to
    that in 2), ``probe_frequency``, ``probe_amplitude``, and clouds and threshold of that readout;
    and ``assignment_fidelity`` of the readout without the pulse, as of its best setting.
    Where it was in use and is clearly worse, ``shelving`` becomes 0. Else all stays as it is; so it
    does where 1 without the pulse would not be read as 1: no flip could bring it to 0.
    """
    outcome = Outcome("plasmon_readout", "Readout with 1 shelved in 2")
    for qubit in qubits:
        reason = why_not_shelved(bench, qubit)
        if reason is None:
            await _of_qubit(bench, outcome, qubit)
        else:
            outcome.notes.append(f"{reason}: left out")
    return outcome


async def _of_qubit(bench: Bench, outcome: Outcome, qubit: Qubit) -> None:
    shelving, p = shelving_of(bench, qubit), Pulses(bench, qubit)
    panel = Panel(qubit.element, "probe frequency (GHz)", "signal (mV)")
    if not can_herald((p,)):
        record_failure(outcome, qubit.name, panel, NO_RESULTS)
        return
    try:
        shift, panel = await _lines(bench, outcome, p, shelving)
        outcome.panels.append(panel)
        bare, shelved = await _settings(bench, outcome, p, shelving)
        trials = [await _trial(bench, outcome, p, shelving, bare, shelved) for _ in range(2)]
        in_use = is_shelved(bench, qubit)
        found = verdict(qubit, in_use, trials, shift, bare, shelved)
        if found and not in_use:
            found |= bounded({"assignment_fidelity": as_it_was(p, shelving, trials[1])})
    except FitFailed as error:
        record_failure(outcome, qubit.name, panel, str(error))
        return
    outcome.panels += [_drawn(qubit, trials[1], found), _both_ways(qubit, trials)]
    await bench.commit(outcome, {f"{qubit.name}.{name}": one for name, one in found.items()})


def verdict(
    qubit: Qubit,
    in_use: bool,
    trials: list[Trial],
    shift: Measured,
    bare: Setting,
    shelved: Setting,
) -> dict[str, Measured]:
    """Return what is to be stored: nothing where all stays as it is. Raises FitFailed.

    ``in_use``: 1 is shelved so far. The first trial chooses, the second one judges.
    """
    first, second = (one.gain for one in trials)
    apart = abs(first.value - second.value) / float(np.hypot(first.sigma, second.sigma))
    if apart > ALIKE:
        raise FitFailed(
            f"two runs differ by {apart:.1f} sigma on what shelving 1 of {qubit.element} gains: "
            f"{first.value * 100:.2f} and {second.value * 100:.2f} %"
        )
    sign = -1 if in_use else 1
    if not all(sign * one.value > CLEARLY * one.sigma for one in (first, second)):
        return {}
    if not in_use and trials[1].seen < SEEN:
        raise FitFailed(
            f"shelving {qubit.element} gains {second.value * 100:.2f} %, but without the pulse its "
            f"1 is read as 1 in {trials[1].seen * 100:.0f} % only: no flip would find it there"
        )
    chosen = trials[1].bare if in_use else trials[1].shelved
    setting = bare if in_use else shelved
    ground, excited = trials[1].clouds["bare" if in_use else "shelved"]
    found = described(chosen) | rare(rare_errors(chosen.levels, ground, excited))
    return found | {
        "shelving": Measured(0.0 if in_use else second.value, second.sigma, "1"),
        "shelved_shift": shift,
        "probe_frequency": Measured(setting.frequency_hz, SET_EXACTLY_HZ, "Hz"),
        "probe_amplitude": Measured(setting.amplitude, 0.02 * setting.amplitude, "1"),
    }


def as_it_was(p: Pulses, shelving: Shelving, trial: Trial) -> Measured:
    """Return the fidelity of ideal preparation and the best setting of a readout of 1 as 1.

    From the shots of a trial that were read so. It is the last one: later ones are shelved. Raises
    FitFailed.
    """
    [timing] = herald_timings((p,)).values()
    later_s = 1e-9 * shelving.duration_ns  # the pulse's place before the readout is empty
    timing = replace(timing, after_pulse=timing.after_pulse + later_s)

    def measure() -> Measured:
        blind_s = readout_jumps(p).herald_is_blind_s(trial.bare.levels)
        return ideal_fidelity(p.bench, p.qubit, trial.bare, timing, blind_s)

    found, sigma = found_and_sigma(p.bench, measure)
    return replace(found, sigma=sigma)


def read_program(
    p: Pulses, shelving: Shelving, title: str, axes: tuple[Axis, ...], shots: int
) -> Program:
    """Return heralded shots, prepared, shelved and read as four variables of the axes say."""
    element = p.qubit.element
    trial = Frame(f"{element}.trial", p.qubit.readout_port, p.readout_frame().frequency_hz, True)
    others = [one for one in frames_of((p,)) if one.name != shelving.frame.name]
    names = tuple(dict.fromkeys((*frame_names((p,)), shelving.frame.name, trial.name)))
    prepare = p.pulse(Affine(f"{element}_preparation"))
    shelve = shelving.pulse(Affine(f"{element}_shelving"))
    together = Barrier(names)
    body = [
        SetFrequency(trial.name, Affine(f"{element}_probe_frequency")),
        *herald((p,), names, emptied_before=True),
        *(prepare, together, shelve, together),
        *p.measure(Affine(f"{element}_probe_amplitude"), frame=trial.name, shelved=False),
        *back_to_0((p,), names, [shelve, together, prepare], shelved=False),
    ]
    frames = (*others, shelving.frame, trial)
    return Program(title, frames, tuple(body), axes, shots=shots, keep_shots=True)


def _states(p: Pulses, shelving: Shelving) -> Axis:
    """Return the axis of 0, 1 and 2."""
    element, one = p.qubit.element, p.pi_amplitude()
    preparation = Variable(f"{element}_preparation", "1", Table((0.0, one, one)))
    shelves = Variable(f"{element}_shelving", "1", Table((0.0, 0.0, shelving.amplitude)))
    return Axis("state", (preparation, shelves))


async def _lines(
    bench: Bench, outcome: Outcome, p: Pulses, shelving: Shelving
) -> tuple[Measured, Panel]:
    """Return how far the resonator's line in 2 is from that in 0, and a panel of all three."""
    qubit, element = p.qubit, p.qubit.element
    kappa, chi = bench.best(qubit, "kappa"), bench.best(qubit, "chi")
    span = 2 * (HALF_KAPPAS * kappa + HALF_CHIS * abs(chi))
    middle = bench.readout_middle(qubit)
    probe = linear_frequencies(f"{element}_probe_frequency", middle, span, LINE_POINTS)
    low = bench.probe_amplitude(qubit, GENTLE * critical_photons(bench, qubit))
    power = Variable(f"{element}_probe_amplitude", "1", Table((low,)))
    axes = (Axis("power", (power,)), Axis("probe", (probe,)), _states(p, shelving))
    title, shots = "resonator with the qubit in 0, 1 and 2", bench.shots(LINE_SHOTS)
    data = await bench.run(outcome, read_program(p, shelving, title, axes, shots))
    refuse_clipped(outcome, element)
    means = mean_in_0(data, element, levels(bench, qubit))[0]
    at = values_of(data, f"{element}_probe_frequency")
    fits = [fit_resonance(at, means[:, n], probe_window(p), kappa) for n in range(3)]
    line = [one.values["resonance"] for one in fits]
    sigma = [one.sigmas["resonance"] for one in fits]
    doubt = np.hypot(sigma[0], np.hypot(sigma[2], LINE_DOUBT * (line[2] - line[1])))
    shift = Measured(line[2] - line[0], float(doubt), "Hz")
    moved = [(one - line[0]) / 1e6 for one in line[1:]]
    text = f"from the line in 0: {moved[0]:.3f} MHz in 1, {moved[1]:.3f} MHz in 2"
    drawn = tuple(Series(f"{n}", at / 1e9, np.abs(means[:, n]) * 1e3) for n in range(3))
    return shift, Panel(element, "probe frequency (GHz)", "signal (mV)", drawn, text=text)


async def _settings(
    bench: Bench, outcome: Outcome, p: Pulses, shelving: Shelving
) -> tuple[Setting, Setting]:
    """Return the probes with which 1 and 2 are told best from 0; that in use stays as it is."""
    qubit, element = p.qubit, p.qubit.element
    now = Setting(p.readout_frame().frequency_hz, p.probe_amplitude())
    kappa, chi = bench.best(qubit, "kappa"), bench.best(qubit, "chi")
    span = HALF_KAPPAS * kappa + HALF_CHIS * abs(chi)
    probe = linear_frequencies(
        f"{element}_probe_frequency", bench.readout_middle(qubit), span, SETTING_POINTS
    )
    heights = tuple(share * now.amplitude for share in AMPLITUDES)
    power = Variable(f"{element}_probe_amplitude", "1", Table(heights))
    axes = (Axis("power", (power,)), Axis("probe", (probe,)), _states(p, shelving))
    title, shots = "probes for a qubit in 0, 1 and 2", bench.shots(SETTING_SHOTS)
    data = await bench.run(outcome, read_program(p, shelving, title, axes, shots))
    means = mean_in_0(data, element, levels(bench, qubit))
    at = values_of(data, f"{element}_probe_frequency")

    def best(level: int) -> Setting:
        apart = np.abs(means[..., level] - means[..., 0])
        smooth = (apart[:, :-2] + apart[:, 1:-1] + apart[:, 2:]) / 3
        row, column = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
        return Setting(float(at[column + 1]), heights[row])

    return (best(1), now) if is_shelved(bench, qubit) else (now, best(2))


async def _trial(
    bench: Bench, outcome: Outcome, p: Pulses, shelving: Shelving, bare: Setting, shelved: Setting
) -> Trial:
    """Read both ways, and with the probe of the other one, shot by shot. Raises FitFailed."""
    qubit, element = p.qubit, p.qubit.element
    both = bare, shelved, shelved
    ways = (
        ("probe_frequency", "Hz", tuple(round(one.frequency_hz, -2) for one in both)),
        ("probe_amplitude", "1", tuple(one.amplitude for one in both)),
        ("shelving", "1", (0.0, shelving.amplitude, 0.0)),
    )
    variables = tuple(Variable(f"{element}_{name}", unit, Table(v)) for name, unit, v in ways)
    states = Variable(f"{element}_preparation", "1", Table((0.0, p.pi_amplitude())))
    axes = Axis("readout", variables), Axis("state", (states,))
    title, shots = "read as it is, and shelved", bench.shots(TRIAL_SHOTS)
    data = await bench.run(outcome, read_program(p, shelving, title, axes, shots))
    refuse_clipped(outcome, element)
    iq = iq_of(data, element)
    look_at(iq)
    sure = surely_in_0(heralds_of(data, element), levels(bench, qubit))
    clouds = {
        name: (iq[sure[:, k, 0], k, 0], iq[sure[:, k, 1], k, 1])
        for k, name in enumerate(("bare", "shelved", "without the pulse"))
    }
    told = discriminate(*clouds["shelved"])
    ones = told.levels.project(clouds["without the pulse"][1])
    seen = float(np.mean(ones > told.threshold))
    return Trial(discriminate(*clouds["bare"]), told, clouds, seen)


def _drawn(qubit: Qubit, trial: Trial, found: Mapping[str, Measured]) -> Panel:
    """Return the clouds of the readout that is in use from here on."""
    name = "shelved" if found.get("shelving", Measured(0.0, 0.0, "1")).value > 0 else "bare"
    clouds = [one[:DRAWN] * 1e3 for one in trial.clouds[name]]
    series = tuple(Series(f"{n}", one.real, one.imag) for n, one in enumerate(clouds))
    text = {"shelved": "1 is shelved in 2 before it is read", "bare": "1 is read as it is"}[name]
    return Panel(qubit.element, "I (mV)", "Q (mV)", series, equal_axes=True, text=text)


def _both_ways(qubit: Qubit, trials: list[Trial]) -> Panel:
    """Return the errors of both ways, run by run."""
    runs = np.arange(1.0, len(trials) + 1)
    ways = {
        "as it is": [one.bare for one in trials],
        "shelved": [one.shelved for one in trials],
    }
    series = tuple(
        Series(name, runs, 100 * (1 - np.array([one.fidelity for one in every])))
        for name, every in ways.items()
    )
    judged = trials[-1]
    bare, shelved, gain = judged.bare, judged.shelved, judged.gain
    text = (
        f"told as it is {bare.fidelity * 100:.2f} ± {bare.sigma * 100:.2f} %, shelved "
        f"{shelved.fidelity * 100:.2f} ± {shelved.sigma * 100:.2f} %: "
        f"{gain.value * 100:+.2f} ± {gain.sigma * 100:.2f} %"
    )
    return replace(Panel(qubit.element, "run", "errors (%)", series, text=text), judged=False)


PLASMON_READOUT = Declaration(
    plasmon_readout,
    targets="plasmon qubits",
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("shelving_frequency", "shelving_pi_amplitude", "shelving_duration"),
    ),
    gives={
        "shelving": Lifetime(7 * DAY_S),
        "shelved_shift": Lifetime(7 * DAY_S),
    },
    refines=(
        *("probe_frequency", "probe_amplitude", *LEVELS, "readout_threshold"),
        *("false_excited", "false_ground", "assignment_fidelity"),
        *("rare_threshold", "rare_false_excited", "rare_false_ground"),
    ),
    places=(157,),
    cost_s=0.0,
)
