"""Absorption at the far end: by scans of the catch, its loss free, with a sigma that holds."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.benches.links.linked_ends import bench_of, entry
from tests.benches.links.played_link import READOUT, played_link
from tests.benches.thoroughness import sampled

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links import absorption as routine
from podium.control.calibration.links.absorption import (
    PlayedTransfer,
    Prior,
    Seen,
    Settings,
    absorption,
    again_program,
    fit_catch,
    off_priors,
    played_transfer,
    priors_of,
    refuse_unlike,
    strength_program,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_loop import delivered
from podium.control.calibration.links.photon_shapes import STRONGEST
from podium.control.program.program import Program
from podium.control.program.validate import validate

KNOWN = {
    "link_ab.a.kappa": (10.4e6, "Hz"),
    "link_ab.b.sideband_rate": (12.1e6, "Hz"),
    "link_ab.b.stark_shift": (-29e6, "Hz"),
    "link_ab.a.sideband_frequency": (4.0239e9, "Hz"),
    "link_ab.b.sideband_frequency": (3.5117e9, "Hz"),
    "link_ab.delay": (6.6e-9, "s"),
    "link_ab.echo_i": (0.03, "1"),
    "link_ab.echo_q": (-0.04, "1"),
    "link_ab.a.f_coherence": (1.5e-6, "s"),
    "link_ab.b.f_coherence": (1.4e-6, "s"),
}
SIGMAS = {"rate": 0.01, "kappa": 0.03, "stark": 0.5e6, "dephasing": 2e4}
FITTED = ("rate_1", "dephasing_1")
"""Of priors: so many are fitted where one fit does not have to be a whole one."""
SETTINGS = Settings.joined(
    [
        Settings(np.arange(-48e-9, 50e-9, 12e-9), np.zeros(9), np.ones(9)),
        Settings(np.zeros(9), np.linspace(-7e6, 7e6, 9), np.ones(9)),
        Settings(np.zeros(5), np.zeros(5), np.linspace(0.5, 1.4, 5)),
    ]
)
AS_PLAYED = Settings(np.zeros(1), np.zeros(1), np.ones(1))


@cache
def known() -> tuple[PlayedTransfer, dict[str, routine.Prior]]:
    bench = bench_of(**{**READOUT, **KNOWN})
    doubts = {
        name: routine.Prior(one.value, SIGMAS.get(name.partition("_")[0], one.sigma))
        for name, one in priors_of(bench).items()
    }
    return played_transfer(bench), doubts


def few() -> tuple[PlayedTransfer, dict[str, routine.Prior]]:
    played, priors = known()
    return played, {name: priors[name] for name in FITTED}


def drawn(rng: np.random.Generator, **over: float) -> dict[str, float]:
    """True values as the priors of what is fitted let them be."""
    values = {name: one.value + one.sigma * rng.normal() for name, one in few()[1].items()}
    held = {f"{one}_{k}": 1.0 for one in ("rate", "kappa") for k in (0, 1)}
    held |= {f"{one}_{k}": 0.0 for one in ("stark", "dephasing") for k in (0, 1)}
    values = {**held, **values}
    return {**values, "lag": 0.0, "off": 0.0, "height": 0.71, "offset": 0.02, **over}


def seen_of(values: dict[str, float], rng: np.random.Generator, sigma: float = 0.007) -> Seen:
    caught = known()[0].seen(values, SETTINGS)
    return Seen(
        SETTINGS, caught + sigma * rng.normal(size=caught.size), np.full(caught.size, sigma)
    )


@pytest.mark.parametrize("lag", sampled((0.0, 9e-9), kept=(9e-9,)))
def test_a_catch_that_is_late_absorbs_less_and_is_seen_to(lag: float) -> None:
    """Ten ns late and half a MHz aside: some hundredths, by the fit as by the truth."""
    rng = np.random.default_rng(1)
    values = drawn(rng, lag=lag, off=0.5e6 if lag else 0.0)
    played, priors = few()
    true = float(played.delivered(values, AS_PLAYED).absorption[0])
    found, covariance = fit_catch(played, priors, seen_of(values, rng)).figures(AS_PLAYED)
    sigma = float(np.sqrt(covariance[0, 0]))
    assert 0.0002 < sigma < 0.006
    assert abs(found[0] - true) < 4 * sigma
    best = {**values, "lag": 0.0, "off": 0.0}
    if lag:
        assert true < float(played.delivered(best, AS_PLAYED).absorption[0]) - 0.01


def test_a_photon_is_not_worked_out_again_for_what_is_read_of_it(monkeypatch) -> None:
    """Slopes by height, offset and a part of a ns of the lag are of the same photon."""
    played = known()[0]
    values = drawn(np.random.default_rng(6), lag=0.2e-9 - played.lag_s)
    once = played.seen(values, SETTINGS)
    worked_out = []
    monkeypatch.setattr(
        routine, "delivered", lambda *words: worked_out.append(words) or delivered(*words)
    )
    higher = played.seen({**values, "height": 1.5 * values["height"]}, SETTINGS)
    assert higher - values["offset"] == pytest.approx(1.5 * (once - values["offset"]))
    later = played.seen({**values, "lag": values["lag"] + 0.4e-9}, SETTINGS)
    assert not np.array_equal(later, once)
    assert not worked_out
    for name in ("rate_0", "kappa_1", "stark_1", "dephasing_0", "off"):
        played.seen({**values, name: values[name] * 1.01 + 1.0}, SETTINGS)
    assert len(worked_out) == 5
    assert np.array_equal(played.seen(values, SETTINGS), once)
    for number in range(40):
        played.seen({**values, "off": float(number)}, AS_PLAYED)
    assert len(played.kept) == routine.KEPT


def test_a_rate_is_known_better_for_each_width_than_by_itself() -> None:
    """Errors of rate and width go up together; taken apart, they are counted twice."""
    played, every = known()
    rate, kappa, together = every["rate_1"], every["kappa_1"], 0.85
    apart = {"rate_1": rate, "kappa_1": kappa}
    follows = "kappa_1", together * rate.sigma / kappa.sigma
    joint = Prior(1.0, rate.sigma * np.sqrt(1 - together**2), follows)
    rng = np.random.default_rng(6)
    wide, strong = 1 + kappa.sigma, 1 + together * rate.sigma  # one sigma of both, as they go
    values = drawn(rng, kappa_1=wide, rate_1=strong, dephasing_1=0.0)
    true = float(played.delivered(values, AS_PLAYED).absorption[0])
    sigmas = []
    for priors in (apart, {"rate_1": joint, "kappa_1": kappa}):
        off = off_priors(priors, values)
        found, covariance = fit_catch(played, priors, seen_of(values, rng)).figures(AS_PLAYED)
        sigmas.append(float(np.sqrt(covariance[0, 0])))
        assert abs(found[0] - true) < 4 * sigmas[-1]
    assert off == pytest.approx([0, 1], abs=1e-9)
    assert sigmas[1] < 0.9 * sigmas[0]


def test_the_ways_loss_is_none_of_the_catch() -> None:
    rng = np.random.default_rng(2)
    values, (played, priors) = drawn(rng), few()
    half = {**values, "height": values["height"] / 2}
    found = fit_catch(played, priors, seen_of(half, np.random.default_rng(3), 0.002))
    assert found.fit.values["height"] == pytest.approx(half["height"], rel=0.02)
    true = float(played.delivered(values, AS_PLAYED).absorption[0])
    assert found.figures(AS_PLAYED)[0][0] == pytest.approx(true, abs=0.002)


def test_nothing_that_is_caught_is_no_absorption() -> None:
    rng = np.random.default_rng(4)
    played, priors = few()
    with pytest.raises(FitFailed):
        fit_catch(played, priors, seen_of(drawn(rng, height=0.0), rng))


def test_programs_play_the_catch_as_strong_as_they_say() -> None:
    bench = bench_of(**{**READOUT, **KNOWN})
    strongest = strength_program(bench, 100)
    again, settings = again_program(bench, 100)
    for program in (strongest, again):
        validate(program)
        assert len({frame.port.partition(".")[0] for frame in program.frames}) == 2
    play = next(
        one
        for one in strongest.body
        if getattr(one, "frame", "") == bench.second.sideband and hasattr(one, "waveform")
    )
    top = np.max(np.hypot(play.waveform.real, play.waveform.imaginary))
    assert top <= STRONGEST + 1e-9
    swept = strongest.axes[0].variables[0].values
    last = swept.start + swept.step * (swept.count - 1)
    assert play.amplitude.scale * last == pytest.approx(1.0)
    assert top / last == pytest.approx(np.max(np.abs(bench.photon().caught)))
    assert settings.strength.tolist() == [1.0, 1.0, 1.0, 0.7]


def test_what_is_measured_anew_is_believed_within_its_covariance() -> None:
    covariance = np.diag([1e-4, 1e-4])
    refuse_unlike(np.array([0.02, -0.02]), covariance)
    with pytest.raises(FitFailed, match="nothing is believed"):
        refuse_unlike(np.array([0.05, -0.01]), covariance)


def law_of(bench: LinkBench, values: dict[str, float], *, anew: float = 0.0):
    """How often both ends are read as 1; ``anew``: what the last run catches more."""
    played, flight_s = played_transfer(bench), bench.flight_ns() * 1e-9
    rest_hz, again = bench.second.sideband_hz(), again_program(bench, 100)

    def law(program: Program, settings: dict[str, np.ndarray], end: str) -> np.ndarray:
        count = len(next(iter(settings.values())))
        if end == "node_a.q0":
            return np.full(count, 0.05)
        zero, one = np.zeros(count), np.ones(count)
        if program.name == again[0].name:
            at = again[1]
        elif "catch_frequency" in settings:
            at = Settings(zero, settings["catch_frequency"] - rest_hz, one)
        elif "strength" in settings:
            at = Settings(zero, zero, settings["strength"])
        else:
            at = Settings(settings["lag"] * 1e-15 - 40e-9 - flight_s, zero, one)
        more = anew if program.name == again[0].name else 0.0
        return np.clip(played.seen(values, at) + more, 0, 1)

    return law


@pytest.mark.parametrize("anew", [0.0, -0.2])
async def test_what_is_foretold_and_found_anew_is_stored_and_else_what_held_before(
    anew: float, monkeypatch
) -> None:
    bench = bench_of(**{**READOUT, **KNOWN})
    values = {**drawn(np.random.default_rng(5)), "lag": 0.0, "off": 0.0}
    monkeypatch.setattr(routine, "priors_of", lambda bench: few()[1])
    lab = played_link(law_of(bench, values, anew=anew), **KNOWN)
    before = entry("link_ab.absorption", 0.95, "1")
    lab.first.bench.record.put([before])
    outcome = await absorption(lab)
    now = lab.first.bench.record.get("link_ab.absorption")
    if anew:
        assert "nothing is believed" in outcome.failures["link_ab"]
        assert now == before
        assert outcome.panels[-1].failed
        assert outcome.panels[-1].series
        return
    assert not outcome.failures
    true = float(known()[0].delivered(values, AS_PLAYED).absorption[0])
    assert now is not None
    assert abs(now.value - true) < 5 * now.sigma
    assert len(outcome.panels) == 2


def test_what_is_known_of_both_ends_is_what_was_measured_of_them() -> None:
    """A coherence that was measured is known better than by the ratio that is assumed."""
    bench = bench_of(**{**READOUT, **KNOWN})
    found = priors_of(bench)
    decay_1_s = bench.second.loss_of_f()[0]
    assert found["dephasing_1"].value == pytest.approx(1 / 1.4e-6 - decay_1_s / 2)
    assert found["dephasing_1"].sigma < 0.01 * found["dephasing_1"].value
    rate, together = (12.1e6, "Hz"), {"link_ab.b.rate_kappa_correlation": (0.6, "1")}
    bench = bench_of(**{**READOUT, **KNOWN, **together})
    bench.second.bench.record.put([replace(entry("link_ab.b.sideband_rate", *rate), sigma=1.21e5)])
    joint = priors_of(bench)["rate_1"]
    assert joint.follows == ("kappa_1", pytest.approx(0.6 * 0.01 / found["kappa_1"].sigma))
    assert joint.sigma == pytest.approx(0.8 * 0.01)
    without = {name: one for name, one in KNOWN.items() if "coherence" not in name}
    assumed = priors_of(bench_of(**{**READOUT, **without}))["dephasing_1"]
    assert assumed.sigma == pytest.approx(assumed.value / 3)
    assert set(found) == {
        f"{name}_{k}" for name in ("rate", "kappa", "stark", "dephasing") for k in (0, 1)
    }
