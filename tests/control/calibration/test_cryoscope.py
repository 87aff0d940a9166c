"""The fit of a flux line finds what a filter, walked through ns by ns, does to pulses."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from tests.benches.docs.pages import ROOT
from tests.benches.thoroughness import cases

from podium.control.calibration.cryoscope_scan import TELLING_ROUNDS, TOLD, LineFringes, PulsedLine
from podium.control.calibration.fits.cryoscope import (
    HIGH_PASS_S,
    PLAIN,
    PUZZLING,
    _Fitting,
    _Search,
    fit_cryoscope,
    unwound,
    whole_turns,
)
from podium.control.calibration.fits.least_squares import Fit
from podium.control.calibration.fits.line_phases import (
    PhaseModel,
    Shots,
    phases_of,
    spectrum_of,
    step_response,
)
from podium.control.calibration.fits.line_places import coordinates, slopes_of, values_at
from podium.control.calibration.fits.line_rivals import APART, apart, telling
from podium.control.calibration.fits.ramsey_phase import Phases, nearest_turn
from podium.control.calibration.line_pulses import (
    KINDS,
    SINGLE,
    TAILS,
    TELLING,
    TRAINS,
    WHOLE_NS,
    Kind,
)
from podium.control.calibration.outcome import Outcome
from podium.control.facility.load import load_facility

TRUE = {
    "amplitude1": -0.03,
    "tau1": 5.5e-9,
    "amplitude2": 0.017,
    "tau2": 60e-9,
    "amplitude3": -0.015,
    "tau3": 1.3e-6,
    "high_pass": 300e-6,
    "reflection": -0.006,
    "reflection_delay": 10.4e-9,
    "scale": 1.0,
    "rest": 0.002,
    "offset": 0.003,
    "edges": 0.11,
    "bend": 0.004,
    "halves": 0.0,
}
LONG = {**TRUE, "amplitude4": 0.007, "tau4": 28e-6}
PERIOD_NS, PREPARED_NS = 250_000, 64
OWN_NS = 31
"""Of each half pi pulse, in which the qubit precesses."""
COUNTS_NS = WHOLE_NS + 2 * OWN_NS
SHORT = (*SINGLE, *TRAINS, *TAILS[:4])


def shots(kinds: tuple[Kind, ...]) -> Shots:
    pulses = np.zeros((len(kinds), 2 + max(kind.count for kind in kinds), 3))
    for k, kind in enumerate(kinds):
        for n in range(kind.count):
            at = OWN_NS + n * (kind.duration_ns + kind.gap_ns)
            pulses[k, n] = at, at + kind.duration_ns, (-1.0) ** n if kind.alternates else 1.0
        if kind.before is not None:
            end = OWN_NS - PREPARED_NS - kind.before.later_ns
            begin = end - kind.before.long_ns
            pulses[k, -1] = begin, end, 1.0
            if kind.before.is_led:
                pulses[k, -2] = begin - kind.before.long_ns, begin, -1.0
    pulses[..., :2] *= 1e-9
    return Shots(pulses, np.full(len(kinds), PERIOD_NS * 1e-9), COUNTS_NS * 1e-9)


def shift_of(level: np.ndarray) -> np.ndarray:
    return -250e6 * level**2


def bent(level: np.ndarray, values: dict[str, float]) -> np.ndarray:
    return shift_of(level) * (1 + values["bend"] * (level**2 - 1))


def lowered(signal: np.ndarray, tau_s: float) -> np.ndarray:
    """A low-pass of one pole, periodic: where it ends is where it has begun."""
    left = np.exp(-1e-9 / tau_s)
    once, _ = lfilter([0.0, 1 - left], [1.0, -left], signal, zi=[0.0])
    end = once[-1] * left + (1 - left) * signal[-1]
    begun = end / (1 - left ** len(signal))
    return once + begun * left ** np.arange(len(signal))


def walked(kinds: Shots, values: dict[str, float]) -> np.ndarray:
    """Phases of shots whose line is a chain of filters over a whole period."""
    found = []
    for pulses in kinds.pulses:
        played = np.zeros(PERIOD_NS)
        zero = PERIOD_NS // 2
        for begin_s, end_s, height in pulses:
            begin, end = (zero + round(t * 1e9) for t in (begin_s, end_s))
            played[begin:end] += height
        later_ns = values["reflection_delay"] * 1e9
        whole = int(later_ns)
        part = later_ns - whole
        late = (1 - part) * np.roll(played, whole) + part * np.roll(played, whole + 1)
        played = played + values["reflection"] * late
        arrived = played.copy()
        for k in range(1, sum(name.startswith("tau") for name in values) + 1):
            arrived += values[f"amplitude{k}"] * (played - lowered(played, values[f"tau{k}"]))
        arrived -= lowered(arrived, values["high_pass"])
        window = values["rest"] + values["scale"] * arrived[zero : zero + COUNTS_NS]
        turned = np.sum(bent(window, values) - bent(np.array(values["rest"]), values)) * 1e-9
        edges = values["edges"] * int(np.sum((pulses[:, 2] != 0) & (pulses[:, 0] >= 0)))
        found.append(values["offset"] + edges + turned)
    return np.array(found)


def measured(kinds: Shots, values: dict[str, float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy phases, turns, those of the first kinds unwound, and their sigmas."""
    sigma = np.where((kinds.counting > 1) | (kinds.earlier_s > 0), 0.004, 0.006)
    turns = phases_of(kinds, values, shift_of)
    turns = turns + np.random.default_rng(seed).normal(0, 1, sigma.size) * sigma
    turns -= np.round(turns)
    first = len(SINGLE)
    turns[:first] = unwound(turns[:first], kinds.turning_s[:first], -250e6)
    return turns, sigma


@pytest.mark.parametrize("seed", range(40))
def test_single_pulses_are_unwound_whatever_the_line(seed: int) -> None:
    rng = np.random.default_rng((11, seed))
    line = {**TRUE, "edges": rng.uniform(0, 0.12), "high_pass": rng.uniform(250e-6, 600e-6)}
    for k, spread in enumerate((0.03, 0.02, 0.015), 1):
        line[f"amplitude{k}"] = rng.normal(0, spread)
        line[f"tau{k}"] *= rng.uniform(0.7, 1.4)
    shift_hz = -rng.uniform(200e6, 420e6)
    kinds = shots(SINGLE)
    true = phases_of(kinds, line, lambda level: shift_hz * level**2)
    seen = true + rng.normal(0, 0.006, true.size)
    found = unwound(seen - np.round(seen), kinds.turning_s, shift_hz)
    assert np.max(np.abs(found - true)) < 0.1


def residual(found: Fit, true: dict[str, float], last_s: float) -> float:
    """By how much a step varies from 5 ns on, once what was found is undone."""
    times = np.geomspace(5e-9, last_s, 400)

    def step(values: dict[str, float]) -> np.ndarray:
        bare = {name: one for name, one in values.items() if name != "high_pass"}
        once, later = values.get("reflection", 0.0), values.get("reflection_delay", 0.0)
        return step_response(times, bare) + once * step_response(times - later, bare)

    return float(np.ptp(step(found.values) / step(true))) / 2


def off(found: Fit, true: dict[str, float], last_s: float) -> float:
    """By how much it is off from 1, a factor in all of it among it."""
    times = np.geomspace(5e-9, last_s, 400)
    steps = []
    for values in (found.values, true):
        bare = {name: one for name, one in values.items() if name != "high_pass"}
        once, later = values["reflection"], values["reflection_delay"]
        steps.append(step_response(times, bare) + once * step_response(times - later, bare))
    return float(np.abs(steps[0] / steps[1] - 1).max())


def test_formulas_of_the_phases_are_those_of_filters() -> None:
    kinds = shots((*SINGLE, *TRAINS, *TAILS[:8])[cases(2, 0) :: cases(3, 1)])
    made, filters = phases_of(kinds, LONG, shift_of), walked(kinds, LONG)
    # the middle of each ns against its end: of a line that settles in 5 ns
    off = np.abs(made - filters) / kinds.counting
    assert np.max(np.abs(off - np.median(off))) < 0.02
    assert np.ptp(made) > 200


def test_spectra_are_hardly_longer_than_twice_the_time() -> None:
    """A power of 2 would be half as long again here."""
    kinds = replace(shots(SINGLE), whole_s=1.3e-6)
    points = 2 * spectrum_of(kinds).shape[1] - 2
    assert 2_600 <= points <= 2_700


def test_slopes_of_all_parameters_at_once_are_those_of_each_by_itself() -> None:
    """But for what is of second order in steps of a thousandth of what is expected."""
    kinds = shots((*SINGLE, *TRAINS, *TAILS)[::3])
    line = {**LONG, "halves": 2e-10}
    model = PhaseModel(kinds, spectrum_of(kinds), shift_of)
    now, at_once = slopes_of(model, line)
    again, each = slopes_of(lambda values: model(values), line)
    np.testing.assert_allclose(now, again, atol=1e-12)
    sizes = np.abs(each).max(axis=0)
    assert np.all(sizes > 0)
    assert np.max(np.abs(at_once - each) / sizes) < 3e-3


def test_pulses_that_begin_within_a_nanosecond_share_their_ends_with_the_next() -> None:
    """A pulse's last part meets its reflection's first one: a cross term of each pulse."""
    line = {**LONG, "reflection": -0.0059, "reflection_delay": 7.03e-9, "bend": 0.0, "offset": 0.0}
    line |= {"rest": 0.0, "scale": 1.0, "halves": 0.0}
    later, fine = 0.385, 20
    trains = tuple(one for one in TRAINS if one.count == 40)
    kinds = replace(shots(trains), period_s=np.full(len(trains), 1.0))
    count = round(kinds.whole_s * 1e9)
    time_s = (np.arange(count * fine) + 0.5) * 1e-9 / fine

    def arrived(after_s: np.ndarray) -> np.ndarray:
        again = line["reflection"] * step_response(after_s - line["reflection_delay"], line)
        return step_response(after_s, line) + again

    wanted = np.zeros(len(trains))
    for k, pulses in enumerate(kinds.pulses):
        level = np.zeros(time_s.size)
        for begin, end, height in pulses[pulses[:, 2] != 0].tolist():
            for at, sign in ((begin, 1), (end, -1)):
                level += sign * height * arrived(time_s - at - later * 1e-9)
        wanted[k] = shift_of(level.reshape(count, fine).mean(axis=1)).sum() * 1e-9
    edges = -2 * later * (1 - later) * float(shift_of(np.ones(1))[0]) * 1e-9
    found = phases_of(kinds, {**line, "edges": edges}, shift_of)
    whole = phases_of(kinds, {**line, "edges": 0.0}, shift_of) + 40 * edges
    # of each pulse; what all have in common is the middle of each ns against its mean
    off, unshared = (np.ptp(one - wanted) / 40 for one in (found, whole))
    assert off < 1.5e-4
    assert unshared > 4e-4


def test_a_line_with_a_reflection_is_found_from_noisy_phases() -> None:
    kinds = shots(SHORT)
    turns, sigma = measured(kinds, TRUE, 5)
    found = fit_cryoscope(kinds, turns, sigma, shift_of)
    for name in TRUE:
        off = abs(found.values[name] - TRUE[name])
        assert off < 4 * found.sigmas[name], name
    assert found.sigmas["reflection"] < 0.002
    assert residual(found, TRUE, 2e-6) < 1.5e-3
    design = {**TRUE, "reflection": 0.0, "amplitude1": 0.0}
    assert residual(Fit(design, {}, np.zeros((0, 0)), (), 1.0, 1), TRUE, 2e-6) > 3e-3


@pytest.mark.slow
def test_an_exponential_that_is_hardly_there_is_not_mistaken_for_part_of_another() -> None:
    """From 20 ns, the end of its band, it takes from the first one, and the arc bends instead."""
    weak = {"amplitude1": -0.014, "tau1": 6.1e-9, "amplitude2": -0.0015, "tau2": 29e-9}
    line = {**LONG, **weak, "amplitude3": -0.0046, "tau3": 0.78e-6, "high_pass": 480e-6}
    line |= {"reflection": -0.0026, "reflection_delay": 11.4e-9, "bend": -0.002}
    kinds = shots((*SINGLE, *TRAINS, *TAILS))
    for seed in (1, 3):
        turns, sigma = measured(kinds, line, seed)
        found = fit_cryoscope(kinds, turns, sigma, shift_of)
        assert found.chi2 < 1.3, seed
        assert abs(found.values["bend"] - line["bend"]) < 4 * found.sigmas["bend"], seed


def test_noise_at_one_of_many_delays_is_no_reflection() -> None:
    """At 4 for its two parameters noise of this seed makes one of 1.3e-4."""
    line = {name: one for name, one in LONG.items() if not name.startswith("reflection")}
    kinds = shots((*SINGLE, *TRAINS, *TAILS))
    turns, sigma = measured(kinds, line, 3)
    assert "reflection" not in fit_cryoscope(kinds, turns, sigma, shift_of).values


def test_a_reflection_that_stands_out_where_there_is_none_gives_way_to_the_true_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With it the first exponential is a quarter too short: so a search of a cluster's ended."""
    own = {"amplitude1": -0.0228, "tau1": 5.31e-9, "amplitude2": 0.0153, "tau2": 56.2e-9}
    own |= {"amplitude3": -0.0163, "tau3": 1.136e-6, "amplitude4": 0.0083, "tau4": 42.7e-6}
    own |= {"high_pass": 314e-6, "reflection": -0.00119, "reflection_delay": 11.4e-9}
    line = {**LONG, **own}
    wrong = {**line, "reflection": 0.0007, "reflection_delay": 18.2e-9, "tau1": 3.84e-9}
    kinds = shots(KINDS)
    turns, sigma = measured(kinds, line, 1)
    true = phases_of(kinds, line, shift_of)

    def ended_there(work: _Fitting, _: dict[str, float]) -> _Search:
        known = true + nearest_turn(work.turns - true, 0.0)
        whole = replace(work, turns=known, used=np.ones(known.size, bool))
        found = whole.followed(whole.followed(whole.place(wrong)))
        assert found.sigmas_of("reflection") > PLAIN
        assert found.squares < PUZZLING * known.size
        assert apart(found.values, line) > 2e-3
        return _Search(whole, found)

    monkeypatch.setattr(_Fitting, "searched", ended_there)
    assert apart(whole_turns(kinds, turns, sigma, shift_of).values, line) < APART


WEAK = {
    "amplitude1": -0.017,
    "tau1": 5.5e-9,
    "amplitude2": 0.0156,
    "tau2": 33.2e-9,
    "amplitude3": -0.0117,
    "tau3": 1.45e-6,
    "amplitude4": 0.0079,
    "tau4": 36.4e-6,
    "high_pass": 307e-6,
    "reflection": -0.00045,
    "reflection_delay": 13.56e-9,
}


@dataclass(frozen=True)
class MadeFringes:
    """Of one kind of shots: its phase, with noise."""

    turns: float
    sigma: float

    def phases(self) -> tuple[Phases, tuple[int, ...]]:
        one = np.ones(1)
        return Phases(self.turns * one, self.sigma * one, one), ()


@dataclass
class MadeScan:
    """Plays trains on a line by its formulas."""

    line: dict[str, float]
    seed: int

    def shots(self, kinds: tuple[Kind, ...]) -> Shots:
        return shots(kinds)

    async def rows(self, kinds: tuple[Kind, ...]) -> list[MadeFringes]:
        self.seed += 100
        some = kinds if kinds[0] == SINGLE[0] else (*SINGLE, *kinds)
        turns, sigma = measured(shots(some), self.line, self.seed)
        first = len(some) - len(kinds)
        each = zip(turns[first:].tolist(), sigma[first:].tolist(), strict=True)
        return [MadeFringes(one, doubt) for one, doubt in each]


@pytest.mark.parametrize("seed", [1, 2][: cases(1, 2)])
async def test_lines_that_phases_leave_possible_are_told_apart_by_trains_chosen_for_them(
    seed: int,
) -> None:
    """Noise of these seeds prefers a reflection at half the delay, with another step."""
    line = {**LONG, **WEAK, "bend": 0.001}
    scan: Any = MadeScan(line, seed - 100)
    owner = next(iter(load_facility(ROOT / "examples/two_qubit/facility.yaml").qubits().values()))
    looked_at = PulsedLine(owner, 1.0, lambda level, share: shift_of(level * share))
    first: Any = await scan.rows(KINDS)
    turns, sigma = measured(shots(KINDS), line, seed)
    known = whole_turns(shots(KINDS), turns, sigma, shift_of)
    assert apart(known.values, line) > 2e-3
    assert len(known.lines) > 1

    seen, outcome = (
        LineFringes(scan, looked_at, KINDS, first, known),
        Outcome("cryoscope", "Cryoscope"),
    )
    await seen.tell_apart(outcome)
    assert seen.known is not None
    assert len(seen.known.lines) == 1
    assert outcome.notes == []
    assert 1 <= len(seen.kinds) - len(KINDS) <= TELLING_ROUNDS * TOLD
    assert apart(seen.known.values, line) < APART
    found = fit_cryoscope(scan.shots(seen.kinds), *seen.phases(), shift_of, seen.known)
    assert off(found, line, 20e-6) < 1e-3


def test_a_last_exponential_that_is_longer_is_told_apart_by_what_long_pulses_leave() -> None:
    """No train tells 45 us from 80 us, where all else of the line follows."""
    own = {"amplitude1": -0.0187, "tau1": 5.6e-9, "amplitude4": 0.0083, "tau4": 45e-6}
    line = {**LONG, **own, "high_pass": 320e-6}
    kinds = shots(KINDS)
    turns, sigma = measured(kinds, line, 1)
    true = phases_of(kinds, line, shift_of)
    own_turns = true + nearest_turn(turns - true, 0.0)
    used = np.ones(true.size, bool)
    work = _Fitting(kinds, own_turns, sigma, shift_of, used, spectrum_of(kinds))
    best, longer = work.followed(work.place(line)), work.place({**line, "tau4": 78e-6})
    names, free = tuple(line), np.array([name != "tau4" for name in line])
    for _ in range(4):
        at = coordinates(longer.values)
        at[free] += np.linalg.lstsq(longer.slopes[:, free], longer.left, rcond=None)[0]
        longer = work.place(values_at(names, at))
    assert apart(longer.values, best.values) > 2e-3

    def told_by(some: tuple[Kind, ...]) -> list[Kind]:
        played = shots(some)
        found = telling(
            PhaseModel(played, spectrum_of(played), shift_of),
            0.004,
            (best, longer),
            TOLD,
        )
        return [some[k] for k in found]

    assert any(kind.before for kind in told_by(TELLING))
    assert told_by(tuple(kind for kind in TELLING if kind.before is None)) == []


@pytest.mark.slow
def test_a_line_without_a_response_has_none() -> None:
    small = ("amplitude", "reflection")
    ideal = {name: 0.0 if name.startswith(small) else one for name, one in TRUE.items()}
    del ideal["high_pass"], ideal["reflection"], ideal["reflection_delay"]
    kinds = shots(SHORT)
    turns, sigma = measured(kinds, ideal, 6)
    found = fit_cryoscope(kinds, turns, sigma, shift_of)
    for name in ("amplitude2", "amplitude3"):
        assert abs(found.values[name]) < 4 * found.sigmas[name]
    assert residual(found, ideal, 1e-6) < 2e-3


def test_a_high_pass_that_has_run_to_the_end_of_its_band_is_looked_for_anew() -> None:
    """Long-lived qubits wait for 2 ms: then the mean of shots tells nothing of a high-pass.

    So a first long pulse may lead there, with both slow exponentials at ends of theirs; a line was
    missed so.
    """
    slow = {"amplitude3": -0.004, "tau3": 1.0e-6, "amplitude4": 0.005, "tau4": 31e-6}
    line = {**TRUE, **slow, "high_pass": 345e-6, "rest": -1e-4}
    kinds = shots((*SINGLE, *TRAINS, TAILS[0], TAILS[4]))
    kinds = replace(kinds, period_s=np.full(kinds.period_s.size, 2e-3))
    sigma = np.full(kinds.period_s.size, 0.003)
    turns = phases_of(kinds, line, shift_of) + np.random.default_rng(27).normal(0, sigma)
    every = np.ones(turns.size, bool)
    work = _Fitting(kinds, turns, sigma, shift_of, every, spectrum_of(kinds))
    ended = work.followed(work.place({**line, "amplitude4": 0.0, "high_pass": 2e-3}))
    assert ended.values["high_pass"] > 0.9 * HIGH_PASS_S[1]
    assert ended.squares > 3 * turns.size
    again = work.anew(ended)
    assert again.squares < 2 * turns.size
    assert again.values["high_pass"] == pytest.approx(line["high_pass"], rel=0.25)


@pytest.mark.slow
def test_the_tail_of_tens_of_microseconds_is_found_from_long_pulses() -> None:
    """What is left of a step from 5 ns to 20 us, its factor among it, is below a thousandth.

    Phases fix it to 2e-4, but where what the last exponential and the high-pass do is alike.
    """
    kinds = shots((*SINGLE, *TRAINS, *TAILS))
    lines = [LONG, {**LONG, "tau4": 38e-6, "high_pass": 420e-6}]
    for seed, line in enumerate(lines * 2):
        turns, sigma = measured(kinds, line, seed)
        found = fit_cryoscope(kinds, turns, sigma, shift_of)
        for name in ("amplitude4", "tau4", "high_pass", "reflection"):
            assert abs(found.values[name] - line[name]) < 4 * found.sigmas[name], name
        assert off(found, line, 20e-6) < 8e-4, seed


@pytest.mark.slow
def test_what_long_pulses_leave_is_of_no_use_where_no_line_leaves_it() -> None:
    kinds = shots((*SINGLE, *TRAINS, *TAILS))
    turns, sigma = measured(kinds, TRUE, 12)
    rng = np.random.default_rng(12)
    turns[len(SHORT) :] = rng.uniform(-0.5, 0.5, len(TAILS) - 4)
    found = fit_cryoscope(kinds, turns, sigma, shift_of)
    assert found.chi2 < 9
    assert "amplitude4" not in found.values
    assert abs(found.values["amplitude2"] - TRUE["amplitude2"]) < 5 * found.sigmas["amplitude2"]
