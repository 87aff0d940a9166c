"""Classifies single shots: the clouds of both states, and their overlap."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, READOUT_SETTINGS, Declaration
from podium.control.calibration.enough_shots import found_and_sigma
from podium.control.calibration.fits.iq_clouds import (
    Discrimination,
    RareErrors,
    discriminate,
    levels_of,
    levels_of_mixtures,
    rare_errors,
    refuse_alike_clouds,
)
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.herald import back_to_0, herald, heralds_of, surely_in_0
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.polarisation import is_hot, shots_for
from podium.control.calibration.preparation_errors import (
    herald_timings,
    ideal_fidelity,
)
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
)
from podium.control.calibration.shelving import is_shelved
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, HOUR_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    Statement,
    Table,
    Variable,
)

ComplexArray = NDArray[np.complex128]

ROUGH_SHOTS, OF_A_MIXTURE = 200, 4
"""Of each state, prepared from rest: they tell which cloud is 0, as many however few shots follow;
and how many times as many are taken, beside what heat asks for, where both hold some of each."""
REST_LIFETIMES = 3.0
"""Wait before each of these."""
SHOTS = 40_000
"""Heralded, of each of :data:`PREPARATIONS`, in one run: a module has memory for 131 072."""
KNOWN = 2.1e-4
"""Sigma to which the fidelity is to be known. The first run says how many shots that takes ..."""
LEAST_COUNTED = 0.95e-4
"""... of which the counts' part is never less, nor less than half of what else is in it (T1, the
thermal population, the lag of the readout): more shots would not help ..."""
MOST_RUNS = 9
"""... and no more are taken than so many runs have."""
PREPARATIONS = (0.0, 1.0, 1.0)
"""Pi pulses before heralded shots. Five times as many errors are made in 1 as in 0: so many shots
tell most of the sum of both where twice as many are in 1, as the root of five is."""
SECOND_SHOTS = 1_000
"""Heralded, prepared in 2."""
SECOND_LIFETIMES = 1.0
"""Wait before each of these."""
DRAWN = 600
"""Shots drawn in the panel, of each state."""
SET_EXACTLY = 1e-9
"""Sigma of what was set, not found."""


def state_axis(pulses: tuple[Pulses, ...], preparations: tuple[float, ...] = (0.0, 1.0)) -> Axis:
    """Return the axis of the preparations, in pi pulses: none, and one."""
    return Axis(
        "state",
        tuple(
            Variable(
                f"{p.qubit.element}_preparation",
                "1",
                Table(tuple(share * p.pi_amplitude() for share in preparations)),
            )
            for p in pulses
        ),
    )


def levels(bench: Bench, qubit: Qubit) -> Levels:
    """Return the reference levels that were measured last. Raises NotMeasured."""

    def value(quantity: str) -> float:
        return bench.known(qubit, quantity).value

    return Levels(
        complex(value("ground_i"), value("ground_q")),
        complex(value("excited_i"), value("excited_q")),
        value("ground_variance"),
        value("excited_variance"),
    )


async def single_shot(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Prepare 0 and 1 many times, keep every shot, set a threshold and count errors.

    A readout before each preparation heralds 0: shots without it do not count. So neither the
    thermal population nor what the shot before has left is in the errors, and no shot waits for
    the qubits to relax. (Johnson et al., Phys. Rev. Lett. 109, 050506 (2012).)

    Stores the clouds (``ground_i`` ... ``excited_q``, V), their scatter, ``readout_threshold``,
    ``false_excited`` and ``false_ground`` (its errors, as prepared), the same three of a threshold
    for a rare 1 (``rare_threshold`` ...), ``herald_to_readout`` (s), ``assignment_fidelity`` (of
    ideal preparation, at the best setting; where 1 is shelved before the readout it is called
    ``shelved_fidelity``) and, of qubits whose 1-2 pulse is known, where level 2 is read
    (``second_i``, ``second_q``, V).
    """
    outcome = Outcome("single_shot", "Single-shot classification")
    pulses = all_pulses(bench, qubits)
    clouds = await _heralded(bench, outcome, pulses)
    second = await _second_level(bench, outcome, pulses, clouds)
    played = herald_timings(pulses)
    of_qubit = {p.qubit.name: p for p in pulses}

    @cache
    def counted(name: str) -> tuple[Discrimination, dict[str, Measured]]:
        """Return what the shots tell without any other value: counted once for all refits."""
        ground, excited = clouds[name].heralded()
        seen = discriminate(ground, excited)
        found = described(seen) | rare(rare_errors(seen.levels, ground, excited))
        return seen, found

    def raw(qubit: Qubit) -> Panel:
        ground, excited = (shots[:DRAWN] * 1e3 for shots in clouds[qubit.name].all())
        return Panel(
            qubit.element,
            "I (mV)",
            "Q (mV)",
            (Series("0", ground.real, ground.imag), Series("1", excited.real, excited.imag)),
            equal_axes=True,
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen, told = counted(qubit.name)
        timing = played[qubit.name]
        blind_s = readout_jumps(of_qubit[qubit.name]).herald_is_blind_s(seen.levels)
        found = dict(told)
        fidelity = "shelved_fidelity" if is_shelved(bench, qubit) else "assignment_fidelity"
        found[fidelity] = ideal_fidelity(bench, qubit, seen, timing, blind_s)
        found["herald_to_readout"] = Measured(blind_s + timing.until_read, SET_EXACTLY, "s")
        if qubit.name in second:
            found |= second_level(second[qubit.name].heralded_ones())
        text = f"{fidelity.replace('_', ' ')} {{{fidelity}}}"
        return found, replace(panel, text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    if bench.active_reset or any(is_hot(bench, q) for q in qubits):
        outcome.notes += [
            f"{p.qubit.element} is read too poorly to be flipped by what is read: qubits that are "
            "measured together with it wait before a shot"
            for p in pulses
            if p.reads_too_poorly()
        ]
    return outcome


@dataclass(frozen=True, slots=True, eq=False)
class _Clouds:
    """One qubit's shots; the last axis of each is the preparation: none, then the other one."""

    from_rest: ComplexArray
    """After a wait, shape (r, 2)."""
    heralds: tuple[ComplexArray, ...]
    """Before the preparation, shape (n, p) each."""
    shots: ComplexArray
    """After it, shape (n, p)."""
    hot: bool = False
    """Heat leaves many shots from rest in 1."""

    def all(self) -> tuple[ComplexArray, ComplexArray]:
        """Return the shots of each preparation, heralded or not."""
        return self.shots[:, 0], self.shots[:, 1:].ravel()

    def heralded(self) -> tuple[ComplexArray, ComplexArray]:
        """Return the shots of each preparation that began in 0 for sure. Raises FitFailed."""
        look_at(self.from_rest, *self.heralds, self.shots)
        refuse_alike_clouds(self.from_rest[:, 0], self.from_rest[:, 1])
        if self.hot:
            rough = levels_of_mixtures(self.from_rest[:, 0], self.from_rest[:, 1])
        else:
            rough = _sharp(levels_of(self.from_rest[:, 0], self.from_rest[:, 1]), self.from_rest)
        sure = surely_in_0(self.heralds, rough)
        return self.shots[sure[:, 0], 0], self.shots[:, 1:][sure[:, 1:]]

    def heralded_ones(self) -> ComplexArray:
        """Return the heralded shots of the other preparation. Raises FitFailed."""
        return self.heralded()[1]


def _sharp(rough: Levels, from_rest: ComplexArray) -> Levels:
    """Return ``rough`` with the cloud of 0 as narrow as its bulk is: some shots began in 1."""
    zeros = rough.project(from_rest[:, 0])
    middle = float(np.median(zeros))
    sigma = 1.4826 * float(np.median(np.abs(zeros - middle)))
    return replace(rough, ground_variance=sigma**2, excited_variance=sigma**2)


async def _heralded(
    bench: Bench, outcome: Outcome, pulses: tuple[Pulses, ...]
) -> dict[str, _Clouds]:
    """Measure some shots from rest and many heralded ones; return the clouds by full name."""
    frames, qubits = frame_names(pulses), tuple(p.qubit for p in pulses)
    hot = any(is_hot(bench, q) for q in qubits)
    rough = ROUGH_SHOTS * (OF_A_MIXTURE if hot else 1)
    up = [p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses]
    prepare: list[Statement] = [*up, Barrier(frames)]
    at_rest = Program(
        "single shots from rest",
        frames_of(pulses),
        (*passive_reset(pulses, frames, REST_LIFETIMES), *prepare, *measure_at_once(pulses)),
        (state_axis(pulses),),
        shots=max(rough, shots_for(bench, qubits, rough)),
        keep_shots=True,
    )
    first = await bench.run(outcome, at_rest)
    again = Program(
        "single shots, heralded",
        frames_of(pulses),
        (
            *herald(pulses, frames, emptied_before=True),
            *prepare,
            *measure_at_once(pulses),
            *back_to_0(pulses, frames, up),
        ),
        (state_axis(pulses, PREPARATIONS),),
        shots=bench.shots(SHOTS),
        keep_shots=True,
    )
    data = [await bench.run(outcome, again)]

    def clouds() -> dict[str, _Clouds]:
        def heralds(element: str) -> tuple[ComplexArray, ...]:
            every = zip(*(heralds_of(one, element) for one in data), strict=True)
            return tuple(np.concatenate(one) for one in every)

        return {
            p.qubit.name: _Clouds(
                iq_of(first, p.qubit.element),
                heralds(p.qubit.element),
                np.concatenate([iq_of(one, p.qubit.element) for one in data]),
                hot=is_hot(bench, p.qubit),
            )
            for p in pulses
        }

    if bench.thoroughness >= 1:  # fewer shots tell the clouds; only the fidelity needs others
        few = clouds()
        seen = await asyncio.to_thread(_told_apart, few)
        sigmas = {name: (one.sigma, _counted_to(bench, pulses, name, one)) for name, one in seen}
        for shots in further_shots(sigmas.values(), again.shots):
            data.append(await bench.run(outcome, replace(again, shots=shots)))
    return clouds()


def _told_apart(clouds: Mapping[str, "_Clouds"]) -> list[tuple[str, Discrimination]]:
    """Return how well each qubit's shots tell 0 from 1, of those that do."""
    found = []
    for name, one in clouds.items():
        with suppress(FitFailed):
            found.append((name, discriminate(*one.heralded())))
    return found


def _counted_to(bench: Bench, pulses: tuple[Pulses, ...], name: str, seen: Discrimination) -> float:
    """Return the sigma that counts of a qubit's errors are to have: of :data:`KNOWN` the rest."""
    [of_qubit] = (p for p in pulses if p.qubit.name == name)
    played = herald_timings(pulses)[name]

    def measure() -> Measured:
        blind_s = readout_jumps(of_qubit).herald_is_blind_s(seen.levels)
        return ideal_fidelity(bench, of_qubit.qubit, seen, played, blind_s)

    _, total = found_and_sigma(bench, measure)
    known, least = (one / float(np.sqrt(bench.thoroughness)) for one in (KNOWN, LEAST_COUNTED))
    other = float(np.sqrt(max(total**2 - seen.sigma**2, 0.0)))
    return max(float(np.sqrt(max(known**2 - other**2, 0.0))), least, other / 2)


def further_shots(sigmas: Iterable[tuple[float, float]], shots: int) -> tuple[int, ...]:
    """Return the shots of each further run that all qubits' counts need.

    ``sigmas``: of each qubit, that of the counts of a run of ``shots``, and the one wanted.
    """
    share = max((found / wanted) ** 2 for found, wanted in (*sigmas, (1.0, 1.0)))
    left = round(min(max(share, 1.0), MOST_RUNS) * shots) - shots
    runs = -(-left // shots)
    return tuple(-(-left // runs) for _ in range(runs))


async def _second_level(
    bench: Bench, outcome: Outcome, pulses: tuple[Pulses, ...], first: Mapping[str, _Clouds]
) -> dict[str, _Clouds]:
    """Measure heralded shots in 0 and in 2 of the qubits whose 1-2 pulse is known.

    ``first``: those in 0 and 1, which tell what a herald says. The way back from 2 misses what has
    decayed meanwhile: that relaxes while the next shot waits.
    """
    able = tuple(p for p in pulses if bench.measured(p.qubit, "ef_pi_amplitude") is not None)
    if not able:
        return {}
    frames = frame_names(able, ef=True)
    body = passive_reset(able, frames, SECOND_LIFETIMES) + herald(able, frames, emptied_before=True)
    back: list[Statement] = []
    for p in able:
        pair = (p.drive, p.ef)
        up = p.pulse(Affine(f"{p.qubit.element}_preparation"))
        further_up = p.ef_pulse(Affine(f"{p.qubit.element}_ef_amplitude"))
        body += [up, Barrier(pair), further_up, Barrier(pair)]
        back += [further_up, Barrier(pair), up, Barrier(pair)]
    axis = Axis(
        "state",
        (
            *state_axis(able).variables,
            *(
                Variable(f"{p.qubit.element}_ef_amplitude", "1", Table((0.0, p.ef_pi_amplitude())))
                for p in able
            ),
        ),
    )
    program = Program(
        "single shots in 2",
        frames_of(able, ef=True),
        (
            *body,
            Barrier(frames),
            *measure_at_once(able),
            *back_to_0(able, frames, back),
        ),
        (axis,),
        shots=bench.shots(SECOND_SHOTS),
        keep_shots=True,
    )
    data = await bench.run(outcome, program)
    return {
        p.qubit.name: _Clouds(
            first[p.qubit.name].from_rest,
            heralds_of(data, p.qubit.element),
            iq_of(data, p.qubit.element),
            first[p.qubit.name].hot,
        )
        for p in able
    }


def described(seen: Discrimination) -> dict[str, Measured]:
    """Return the parameters that say where the clouds are and how the threshold does."""
    ground, excited = seen.levels.ground, seen.levels.excited
    volts = abs(excited - ground)
    found: dict[str, Measured] = {}
    for name, place, variance, shots in (
        ("ground", ground, seen.levels.ground_variance, seen.ground_shots),
        ("excited", excited, seen.levels.excited_variance, seen.excited_shots),
    ):
        noise = volts * float(np.sqrt(variance / shots))
        found[f"{name}_i"] = Measured(place.real, noise, "V")
        found[f"{name}_q"] = Measured(place.imag, noise, "V")
        found[f"{name}_variance"] = Measured(variance, variance * float(np.sqrt(2 / shots)), "1")
    shots = min(seen.ground_shots, seen.excited_shots)
    found["readout_threshold"] = Measured(seen.threshold, 1 / float(np.sqrt(shots)), "1")
    found["false_excited"] = Measured(seen.false_excited, seen.false_excited_sigma, "1")
    found["false_ground"] = Measured(seen.false_ground, seen.false_ground_sigma, "1")
    return found


def rare(errors: RareErrors) -> dict[str, Measured]:
    """Return the parameters of the threshold for a rare 1."""
    return {
        "rare_threshold": Measured(errors.threshold, SET_EXACTLY, "1"),
        "rare_false_excited": Measured(errors.false_excited, errors.false_excited_sigma, "1"),
        "rare_false_ground": Measured(errors.false_ground, errors.false_ground_sigma, "1"),
    }


def second_level(shots: ComplexArray) -> dict[str, Measured]:
    """Return where level 2 is read, from shots prepared in it. Raises FitFailed."""
    if len(shots) < 2:
        raise FitFailed("no heralded shot in 2")
    noise = np.sqrt(np.array([np.var(shots.real), np.var(shots.imag)]) / len(shots))
    place = complex(np.mean(shots))
    return {
        "second_i": Measured(place.real, float(noise[0]), "V"),
        "second_q": Measured(place.imag, float(noise[1]), "V"),
    }


SINGLE_SHOT = Declaration(
    single_shot,
    targets="qubits",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS),
    gives={
        "ground_i": Lifetime(12 * HOUR_S, of_epoch=True),
        "ground_q": Lifetime(12 * HOUR_S, of_epoch=True),
        "excited_i": Lifetime(12 * HOUR_S, of_epoch=True),
        "excited_q": Lifetime(12 * HOUR_S, of_epoch=True),
        "ground_variance": Lifetime(12 * HOUR_S),
        "excited_variance": Lifetime(12 * HOUR_S),
        "readout_threshold": Lifetime(12 * HOUR_S),
        "false_excited": Lifetime(12 * HOUR_S),
        "false_ground": Lifetime(12 * HOUR_S),
        "rare_threshold": Lifetime(12 * HOUR_S),
        "rare_false_excited": Lifetime(12 * HOUR_S),
        "rare_false_ground": Lifetime(12 * HOUR_S),
        "herald_to_readout": Lifetime(12 * HOUR_S),
        "assignment_fidelity": Lifetime(1 * DAY_S),
        "shelved_fidelity": Lifetime(1 * DAY_S),
        "second_i": Lifetime(12 * HOUR_S, of_epoch=True),
        "second_q": Lifetime(12 * HOUR_S, of_epoch=True),
    },
    essential=True,
    places=(100, 170),
    cost_s=1.7,
)
