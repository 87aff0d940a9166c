"""The lifetime of f: honest by itself and with doubtful T1, and taken by fits of photons."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.links.linked_ends import bench_of
from tests.benches.links.played_link import READOUT, played_link
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.f_lifetime import (
    READINGS,
    SHOTS,
    WAITS,
    FallingLadder,
    f_lifetime,
    fit_lifetime,
    lifetime_program,
    waits_ns,
)
from podium.control.calibration.links.link_bench import SECOND_OVER_FIRST
from podium.control.compilers.placing import place_in_fs
from podium.control.program.program import Program
from podium.control.program.validate import validate

T1_S, F_S, THERMAL, PULSE_S = 4.6e-6, 2.1e-6, 0.012, 36e-9
SECOND = 0.7
CLOUDS = 0.04, 0.09
TRUE = {"decay": 1 / F_S, "offset": 0.02, "height": 0.95, "second": SECOND, "moved": 0.99}


def played(wait_s: float, ef: bool, pi: bool, t1_s: float = T1_S, f_s: float = F_S) -> float:
    """Mean read of one setting: three levels by an integrator, pulses without length in between.

    Written apart from the routine: 1 / T1 is what both rates between 0 and 1 make together.
    """
    ratio = THERMAL / (1 - THERMAL)
    down, fall = 1 / (t1_s * (1 + ratio)), 1 / f_s

    def rates(_: float, p: np.ndarray) -> list[float]:
        first = down * p[1] - ratio * down * p[0]
        second = fall * p[2] - ratio * fall * p[1]
        return [first, second - first, -second]

    def waited(p: np.ndarray, lasts_s: float) -> np.ndarray:
        found = solve_ivp(rates, (0.0, lasts_s), p, rtol=1e-9, atol=1e-12)
        return np.asarray(found.y[:, -1])

    flip, lift = [1, 0, 2], [0, 2, 1]
    p = np.array([1 - THERMAL, THERMAL, 0.0])
    p = waited(waited(p[flip], PULSE_S)[lift], PULSE_S + wait_s)
    p = waited(p[lift] if ef else p, PULSE_S)
    p = waited(p[flip] if pi else p, PULSE_S / 2)
    return float(p[1] + SECOND * p[2])


def test_the_ladder_is_that_of_its_rate_equations() -> None:
    """But for the fourth level, which takes the part that heat brings there."""
    ladder = FallingLadder(T1_S, THERMAL, PULSE_S)
    wait_s = np.array([0.0, 1e-6, 4e-6])
    values = {**TRUE, "offset": 0.0, "height": 1.0, "moved": 1.0}
    found = ladder.read(values, wait_s).reshape(wait_s.size, len(READINGS))
    for row, wait in zip(found, wait_s.tolist(), strict=True):
        expected = [played(wait, bool(ef), bool(pi)) for _, pi, ef in READINGS]
        assert row == pytest.approx(expected, abs=0.003)


def test_a_lifetime_scatters_as_its_sigma_says() -> None:
    """Of shots that are each of one level: those of 0 and 2 scatter more than of 0 and 1."""
    ladder, rng, pulls, squares = (
        FallingLadder(T1_S, THERMAL, PULSE_S),
        np.random.default_rng(3),
        [],
        [],
    )
    wait_s, true = np.array(WAITS) * 2.4e-6, {**TRUE, "second": 1.6}
    populations = ladder.populations(true["decay"], true["moved"], wait_s).reshape(-1, 4)
    populations = populations.clip(0) / populations.clip(0).sum(axis=1, keepdims=True)
    heights = true["height"] * np.array([0.0, 1.0, 1.6, 1.6])
    for _ in range(cases(40, 80)):
        counts = rng.multinomial(SHOTS, populations)
        clouds = np.sqrt(counts @ [CLOUDS[0], *[CLOUDS[1]] * 3]) / SHOTS
        seen = true["offset"] + counts @ heights / SHOTS + clouds * rng.normal(size=clouds.size)
        found = fit_lifetime(ladder, wait_s, seen, CLOUDS, SHOTS, 2.4e-6)
        pulls.append((found.values["decay"] - true["decay"]) / found.sigmas["decay"])
        squares.append(found.chi2)
    assert_honest({"decay": np.array(pulls)})
    assert np.mean(squares) == pytest.approx(1.0, abs=0.12), "it is 2 by the scatter of 0 and 1"
    assert found.sigmas["decay"] * F_S < 0.03


@pytest.mark.parametrize("expected_s", [0.6e-6, 2.4e-6, 8e-6])
def test_it_is_found_far_from_what_is_expected(expected_s: float) -> None:
    ladder, wait_s = FallingLadder(T1_S, THERMAL, PULSE_S), np.array(WAITS) * expected_s
    found = fit_lifetime(ladder, wait_s, ladder.read(TRUE, wait_s), CLOUDS, SHOTS, expected_s)
    assert 1 / found.values["decay"] == pytest.approx(F_S, rel=1e-3)


def test_levels_that_no_readout_tells_apart_are_refused() -> None:
    rng, wait_s = np.random.default_rng(4), np.array(WAITS) * 2.4e-6
    noise = 0.3 + 0.01 * rng.normal(size=wait_s.size * len(READINGS))
    with pytest.raises(FitFailed):
        fit_lifetime(FallingLadder(T1_S, THERMAL, PULSE_S), wait_s, noise, CLOUDS, SHOTS, 2.4e-6)


def test_every_wait_is_read_with_all_levels_exchanged() -> None:
    bench = bench_of()
    for number, end in enumerate(bench.ends):
        program = lifetime_program(end, 100)
        validate(program)
        ports = {frame.port.partition(".")[0] for frame in program.frames}
        assert ports == {("node_a", "node_b")[number]}
        frames = {one.frame.name: one for one in place_in_fs(program).frames}
        prepared, read = (np.ravel(one.start_fs) for one in frames[end.node.ef].pulses)
        waits_fs = read - prepared - end.node.pulse_ns * 10**6
        assert np.unique(waits_fs).tolist() == sorted(one * 10**6 for one in waits_ns(end))
        (axis,) = program.axes
        ef_pi, pi = (next(v for v in axis.variables if v.name == one) for one in ("ef_pi", "pi"))
        for at in range(0, axis.variables[0].values.count, len(READINGS)):
            group = {
                (bool(one), bool(other))
                for one, other in zip(
                    ef_pi.values.values[at : at + 4], pi.values.values[at : at + 4], strict=True
                )
            }
            assert len(group) == len(READINGS)


def law(f_s: float, t1_s: float = T1_S):
    def chance(program: Program, settings: dict[str, np.ndarray], end: str) -> np.ndarray:
        rows = zip(settings["wait"], settings["ef_pi"], settings["pi"], strict=True)
        return np.array([played(1e-15 * w, ef > 0, pi > 0, t1_s, f_s) for w, ef, pi in rows])

    return chance


def known(**over: tuple[float, str]) -> dict[str, tuple[float, str]]:
    return {**READOUT, "node_a.q0.t1": (T1_S, "s"), "node_b.q0.t1": (T1_S, "s"), **over}


async def test_both_ends_are_stored_and_taken_by_fits() -> None:
    """A ratio of 3.3 to the decay of e, where 1.88 is assumed."""
    bench = played_link(law(1.4e-6), 5, **known())
    assumed = bench.second.loss_of_f()[0]
    assert assumed == pytest.approx(SECOND_OVER_FIRST[0] / T1_S)
    outcome = await f_lifetime(bench)
    assert not outcome.failures
    for end in bench.ends:
        found = outcome.measured[f"{end.capture}.t1_ef"]
        assert abs(found.value - 1.4e-6) < 5 * found.sigma
        assert abs(found.value - 1 / assumed) > 10 * found.sigma, "the guess is no measurement"
        assert end.loss_of_f()[0] == pytest.approx(1 / found.value)
    with bench.second.bench.taking() as inputs:
        bench.second.loss_of_f()
    assert "node_b.q0.t1_ef" in inputs.sigmas
    assert "node_b.q0 > decay of f" not in inputs.sigmas


async def test_what_is_not_known_of_t1_is_in_the_sigma() -> None:
    """Stored T1 has a sigma of 1e-4; one of 20 % widens the lifetime's, and says how far."""
    bench = played_link(law(F_S), 6, **known())
    certain = (await f_lifetime(bench)).measured["node_a.q0.t1_ef"]
    wide = played_link(law(F_S), 6, **known())
    entry = wide.first.bench.record.get("node_a.q0.t1")
    assert entry is not None
    wide.first.bench.record.put([replace(entry, sigma=0.2 * T1_S)])
    doubtful = (await f_lifetime(wide)).measured["node_a.q0.t1_ef"]
    assert doubtful.value == pytest.approx(certain.value)
    assert doubtful.sigma > 1.1 * certain.sigma
