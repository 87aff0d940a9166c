"""The fit of a flux line finds what a filter, walked through ns by ns, does to pulses."""

import numpy as np
from scipy.signal import lfilter

from podium.control.calibration.fits.cryoscope import (
    Shots,
    fit_cryoscope,
    phases_of,
    step_response,
    unwound,
)

TRUE = {
    "amplitude1": -0.03,
    "tau1": 5.5e-9,
    "amplitude2": 0.017,
    "tau2": 60e-9,
    "amplitude3": -0.015,
    "tau3": 1.3e-6,
    "high_pass": 300e-6,
    "scale": 1.0,
    "offset": 0.03,
}
WHOLE_NS, PERIOD_NS, PROBE_NS, KEEN_NS = 920, 250_000, 80, 800
SINGLE = (2, 3, 4, 5, 6, 8, 12, 16, 20, 26, 32, 40, 48, 60, 76, 96, 128, 200, 340, 560, 720, 880)
GAP_NS = 40
BRIEF = [(PROBE_NS, 1600, later) for later in (200, 600, 2000)]
LONG = [(PROBE_NS, 6000, later) for later in (300, 30_000)]
LONG += [(KEEN_NS, 6000, later) for later in (300, 10_000, 30_000, 80_000)]


def shots(tails: list[tuple[int, int, int]] = BRIEF) -> Shots:
    before = np.zeros((len(SINGLE) + len(tails), 1, 3))
    before[:, 0] = -GAP_NS - 2, -GAP_NS - 1, 0.0
    for k, (_, long, later) in enumerate(tails, len(SINGLE)):
        before[k, 0] = -GAP_NS - later - long, -GAP_NS - later, 1.0
    before[..., :2] *= 1e-9
    duration = np.array([*SINGLE, *[probe for probe, *_ in tails]]) * 1e-9
    return Shots(duration, before, np.full(len(duration), PERIOD_NS * 1e-9), WHOLE_NS * 1e-9)


def shift_of(level: np.ndarray) -> np.ndarray:
    return -250e6 * level**2


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
    for duration, (pulse,) in zip(kinds.duration_s, kinds.before, strict=True):
        played = np.zeros(PERIOD_NS)
        zero = PERIOD_NS // 2
        begin, end = (zero + round(t * 1e9) for t in pulse[:2])
        played[begin:end] = pulse[2]
        played[zero : zero + round(duration * 1e9)] = 1.0
        arrived = played.copy()
        for k in range(1, sum(name.startswith("tau") for name in values) + 1):
            arrived += values[f"amplitude{k}"] * (played - lowered(played, values[f"tau{k}"]))
        arrived -= lowered(arrived, values["high_pass"])
        window = arrived[zero : zero + WHOLE_NS]
        found.append(values["offset"] + np.sum(shift_of(values["scale"] * window)) * 1e-9)
    return np.array(found)


def test_formulas_of_the_phases_are_those_of_filters() -> None:
    made, filters = phases_of(shots(), TRUE, shift_of), walked(shots(), TRUE)
    # the middle of each ns against its end: of a line that settles in 5 ns
    assert np.max(np.abs(made - made[0] - (filters - filters[0]))) < 0.02
    assert np.ptp(made) > 200


def test_a_line_is_found_from_noisy_phases() -> None:
    kinds, rng = shots(), np.random.default_rng(5)
    for seed in range(1):
        turns = phases_of(kinds, TRUE, shift_of) + rng.normal(0, 0.006, kinds.duration_s.size)
        turns -= np.round(turns)
        first = len(SINGLE)
        turns[:first] = unwound(turns[:first], kinds.duration_s[:first], -250e6)
        found = fit_cryoscope(kinds, turns, np.full(turns.size, 0.006), shift_of)
        for name in ("amplitude2", "tau2", "amplitude3", "high_pass"):
            off = abs(found.values[name] - TRUE[name])
            assert off < 5 * found.sigmas[name], (seed, name)
        times = np.geomspace(10e-9, 2e-6, 60)
        ratio = step_response(times, found.values) / step_response(times, TRUE)
        assert np.ptp(ratio) < 8e-3


def test_a_line_without_a_response_has_none() -> None:
    ideal = {name: 0.0 if name.startswith("amplitude") else one for name, one in TRUE.items()}
    del ideal["high_pass"]
    kinds, rng = shots(), np.random.default_rng(6)
    turns = phases_of(kinds, ideal, shift_of) + rng.normal(0, 0.006, kinds.duration_s.size)
    found = fit_cryoscope(kinds, turns, np.full(turns.size, 0.006), shift_of)
    for k in (2, 3):
        assert abs(found.values[f"amplitude{k}"]) < 4 * found.sigmas[f"amplitude{k}"]
    times = np.geomspace(10e-9, 1e-6, 60)
    assert np.ptp(step_response(times, found.values)) < 8e-3


def test_the_tail_of_tens_of_microseconds_is_found_from_long_pulses() -> None:
    """What is left of a step from 15 ns to 20 us, once exponentials are undone, is below 2e-3."""
    true = {**TRUE, "amplitude4": 0.007, "tau4": 28e-6}
    kinds, rng = shots(BRIEF + LONG), np.random.default_rng(11)
    turns = phases_of(kinds, true, shift_of) + rng.normal(0, 0.006, kinds.duration_s.size)
    turns -= np.round(turns)
    first = len(SINGLE)
    turns[:first] = unwound(turns[:first], kinds.duration_s[:first], -250e6)
    found = fit_cryoscope(kinds, turns, np.full(turns.size, 0.006), shift_of)
    for name in ("amplitude4", "tau4", "high_pass"):
        assert abs(found.values[name] - true[name]) < 4 * found.sigmas[name], name
    times = np.geomspace(15e-9, 20e-6, 80)
    made, wanted = (
        step_response(times, {k: v for k, v in one.items() if k != "high_pass"})
        for one in (found.values, true)
    )
    assert np.abs(made / wanted - 1).max() < 2e-3


def test_what_long_pulses_leave_is_of_no_use_where_no_line_leaves_it() -> None:
    kinds, rng = shots(BRIEF + LONG), np.random.default_rng(12)
    turns = phases_of(kinds, TRUE, shift_of) + rng.normal(0, 0.006, kinds.duration_s.size)
    turns -= np.round(turns)
    first = len(SINGLE)
    turns[:first] = unwound(turns[:first], kinds.duration_s[:first], -250e6)
    turns[-len(LONG) :] = rng.uniform(-0.5, 0.5, len(LONG))
    found = fit_cryoscope(kinds, turns, np.full(turns.size, 0.006), shift_of)
    assert found.chi2 < 9
    assert abs(found.values["amplitude2"] - TRUE["amplitude2"]) < 5 * found.sigmas["amplitude2"]
