"""The coherence of 0 and f by an echo: honest, on its own node, and used by fits of photons."""

import numpy as np
import pytest
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.links.linked_ends import bench_of, entry
from tests.benches.links.played_link import READOUT, played_link
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.f_coherence import (
    AXES,
    WAITS,
    coherence_program,
    f_coherence,
    fit_coherence,
    waits_ns,
)
from podium.control.calibration.links.link_bench import DEPHASING_OF_F
from podium.control.compilers.placing import place_in_fs
from podium.control.program.program import Program
from podium.control.program.validate import validate

COHERENCE_S, TURN = 1.5e-6, 0.18


def seen_at(wait_s: np.ndarray, coherence_s: float, height: float = 0.42) -> np.ndarray:
    """Means over four axes; f that falls lifts their middle, which no contrast has."""
    turns = np.arange(AXES) / AXES
    left = height * np.exp(-wait_s / coherence_s)[:, None]
    middle = 0.7 - 0.2 * np.exp(-wait_s / 2.5e-6)[:, None]
    return np.asarray((middle + left * np.cos(2 * np.pi * (turns - TURN))).ravel())


def test_a_coherence_scatters_as_its_sigma_says() -> None:
    rng, sigma, pulls = np.random.default_rng(1), 0.007, []
    wait_s = np.array(WAITS) * 1.7e-6
    seen = seen_at(wait_s, COHERENCE_S)
    for _ in range(cases(100, 300)):
        noisy = seen + sigma * rng.normal(size=seen.size)
        found = fit_coherence(wait_s, noisy, np.full(seen.size, sigma), 1.7e-6)
        pulls.append((found.values["rate"] - 1 / COHERENCE_S) / found.sigmas["rate"])
    assert_honest({"rate": np.array(pulls)})
    assert found.sigmas["rate"] * COHERENCE_S < 0.04


def test_noise_has_no_coherence() -> None:
    rng, wait_s = np.random.default_rng(2), np.array(WAITS) * 1.7e-6
    noise = 0.5 + 0.007 * rng.normal(size=wait_s.size * AXES)
    with pytest.raises(FitFailed, match="not coherent even without a wait"):
        fit_coherence(wait_s, noise, np.full(noise.size, 0.007), 1.7e-6)


def test_0_and_f_change_places_in_the_middle_of_the_wait() -> None:
    bench = bench_of()
    for number, end in enumerate(bench.ends):
        program = coherence_program(end, WAITS, 100)
        validate(program)
        ports = {frame.port.partition(".")[0] for frame in program.frames}
        assert ports == {("node_a", "node_b")[number]}
        frames = {one.frame.name: one for one in place_in_fs(program).frames}
        drive, ef = (frames[name].pulses for name in (end.node.drive, end.node.ef))
        assert (len(drive), len(ef)) == (3, 4), "half pi, pi, half pi; up, two for the swap, down"
        middle = [np.ravel(one.start_fs) for one in (ef[0], drive[1], ef[3])]
        before, behind = middle[1] - middle[0], middle[2] - middle[1]
        assert np.all(before == behind), "both waits are alike"


def law(coherence_s: float, anew: float = 1.0):
    """What an end is read as; ``anew``: what is left of contrasts where two waits are compared."""

    def chance(program: Program, settings: dict[str, np.ndarray], end: str) -> np.ndarray:
        wait_s = 2e-15 * settings["wait"].reshape(-1, AXES)[:, 0]
        seen = seen_at(wait_s, coherence_s)
        if wait_s.size == 2:
            seen[AXES:] = 0.5 + anew * (seen[AXES:] - 0.5)
        return seen

    return chance


async def test_both_ends_are_stored_and_taken_by_fits() -> None:
    bench = played_link(law(COHERENCE_S))
    assumed = bench.second.loss_of_f()[1]
    outcome = await f_coherence(bench)
    assert not outcome.failures
    for name in ("a", "b"):
        found = outcome.measured[f"link_ab.{name}.f_coherence"]
        assert abs(found.value - COHERENCE_S) < 5 * found.sigma
    decay, dephasing = bench.second.loss_of_f()
    second = outcome.measured["link_ab.b.f_coherence"]
    assert dephasing == pytest.approx(1 / second.value - decay / 2)
    assert dephasing != pytest.approx(assumed, rel=0.02)
    value, sigma = bench.second.dephasing_of_f()
    assert value == dephasing
    assert sigma == pytest.approx(second.sigma / second.value**2, rel=0.1)


async def test_what_is_found_anew_to_decay_faster_leaves_what_held_before() -> None:
    bench = played_link(law(COHERENCE_S, anew=0.6))
    before = entry("link_ab.a.f_coherence", 1.4e-6, "s")
    bench.first.bench.record.put([before])
    outcome = await f_coherence(bench)
    assert "neither is believed" in outcome.failures["link_ab.a"]
    assert bench.first.bench.record.get("link_ab.a.f_coherence") == before
    assert outcome.panels[0].failed


def test_without_a_measurement_the_ratio_is_assumed_with_its_doubt() -> None:
    bench = bench_of(**READOUT)
    value, sigma = bench.first.dephasing_of_f()
    assert sigma == pytest.approx(value * DEPHASING_OF_F[1] / DEPHASING_OF_F[0])
    assert all(wait % 4 == 0 for wait in waits_ns(bench.first, WAITS))
