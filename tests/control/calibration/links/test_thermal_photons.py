"""Thermal photons of a link's modes: by what sidebands lift, with a sigma that holds."""

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.links.linked_ends import bench_of, entry
from tests.benches.links.played_link import played_link
from tests.benches.thoroughness import sampled

from podium.control.calibration.links import thermal_photons as routine
from podium.control.calibration.links.link_model import EndModel, exponentials, heated
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.thermal_photons import (
    OFF_WIDTHS,
    HeatingPulse,
    LiftedScan,
    fit_photons,
    heating_program,
    in_equilibrium,
    thermal_photons,
)
from podium.control.program.program import Program
from podium.control.program.validate import validate
from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_window import (
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)

KAPPA_HZ, T1_S, DEPHASING_1_S = 10.4e6, 5e-6, 1.2e5
END = EndModel(KAPPA_HZ, 2 / T1_S, 4 * DEPHASING_1_S)
RATE_HZ = np.full(160, 3.6e6)


def in_the_world(photons: float, off_hz: float, end: int = 0, other: float = 0.0) -> np.ndarray:
    """Populations of an end's atom after the pulse, by the master equation of the link."""
    rates = np.zeros((3, 3))
    rates[0, 1], rates[1, 2] = 1 / T1_S, 2 / T1_S
    atom = Atom(rates, number_operator(DEPHASING_1_S, DEPHASING_1_S))
    played = Sideband(RATE_HZ.astype(complex), 0, 10**6, off_hz)
    silent = Sideband(np.zeros(1, complex), 0, 10**6)
    warm = (photons, other) if end == 0 else (other, photons)
    ends = [
        WindowEnd(
            atom,
            TransferResonator(KAPPA_HZ, 0.0, warm[one]),
            played if one == end else silent,
            0,
            160_000_000 if one == end else 0,
        )
        for one in (0, 1)
    ]
    window = LinkWindow((ends[0], ends[1]), Way(0.877 + 0j, 0), ((0, 0),), bound=1e-9)
    state = np.diagonal(evolve_window(window).channel.matrix[:, 0].reshape(9, 9)).real
    return np.asarray(state.reshape(3, 3).sum(axis=1 - end))


@pytest.mark.parametrize("off_hz", [0.0, 15e6, 50e6])
def test_what_a_pulse_lifts_is_that_of_the_links_master_equation(off_hz: float) -> None:
    """Of three levels that are not linear, 1 % of what is lifted, and little off the line."""
    for photons in (0.002, 0.01):
        world = in_the_world(photons, off_hz)
        found = heated(RATE_HZ, np.array([off_hz]), END)
        share = photons / (1 + 2 * photons)
        assert share * found.f[0] == pytest.approx(world[2], rel=0.02, abs=2e-5)
        assert share * found.fallen[0] == pytest.approx(world[1], rel=0.02, abs=2e-6)


def test_what_f_leaves_is_that_of_a_pulse_that_empties_it() -> None:
    from podium.control.calibration.links.link_model import left_in_f

    off_hz = np.array([0.0, 4e6, 50e6])
    cold = heated(RATE_HZ, off_hz, EndModel(KAPPA_HZ))
    expected = left_in_f(np.array(160e-9), np.array(3.6e6), KAPPA_HZ, off_hz)
    assert cold.left == pytest.approx(expected, abs=1e-6)
    assert cold.f + cold.left == pytest.approx(np.ones(3), abs=0.01), "all the rest is noise"


OFF_HZ = np.array(OFF_WIDTHS) * KAPPA_HZ
HEAT = heated(RATE_HZ, OFF_HZ, END)


def scan_of(rng: np.random.Generator, photons: float, shots: int) -> LiftedScan:
    heat = HEAT
    in_one, in_two = in_equilibrium(6.343e9, -265e6, 0.012)
    share = photons / (1 + 2 * photons)
    chance = (
        in_one
        + (1 - in_one - in_two) * share * (heat.f + heat.fallen)
        + in_two * (heat.left + heat.left_fallen)
    )
    ones = rng.binomial(shots, chance) / shots
    return LiftedScan(OFF_HZ, ones, np.sqrt(ones * (1 - ones) / shots))


@pytest.mark.parametrize("photons", [0.0, 0.002, 0.03])
def test_photons_scatter_as_their_sigma_says(photons: float) -> None:
    rng, pulls = np.random.default_rng(2), []
    for _ in range(400):
        scan = scan_of(rng, photons, routine.SHOTS)
        found = fit_photons(scan, HEAT, 1.0, in_equilibrium(6.343e9, -265e6, 0.012))
        pulls.append((found.photons - photons) / found.sigma)
    assert_honest({"photons": np.array(pulls)})


def test_what_is_in_2_by_itself_is_no_photon() -> None:
    """A cold link and a warm atom: what was in 2 leaves on the line, and is known to."""
    rng = np.random.default_rng(3)
    scan = scan_of(rng, 0.0, 40_000_000)
    known = fit_photons(scan, HEAT, 1.0, in_equilibrium(6.343e9, -265e6, 0.012))
    assert abs(known.photons) < 5 * known.sigma
    taken_for_cold = fit_photons(scan, HEAT, 1.0, (0.012, 0.0))
    assert taken_for_cold.photons < -8 * taken_for_cold.sigma


def test_a_pulse_stays_on_the_line_that_it_moves_and_goes_to_its_end_alone() -> None:
    bench = bench_of()
    for end in bench.ends:
        pulse = HeatingPulse.square(end)
        rate = of_resonance(pulse.envelope, end.drive())
        assert np.ptp(np.angle(rate)) == pytest.approx(0.0, abs=1e-6)
        program = heating_program(end, pulse, 100)
        validate(program)
        node = end.node.qubit.name.partition(".")[0]
        assert {frame.port.partition(".")[0] for frame in program.frames} == {node}
        assert program.keep_shots


def law_of(photons: dict[str, float], broken: str = ""):
    """How often ends are read as 1; ``broken``: the pulse under which nothing is lifted."""

    def law(program: Program, settings: dict[str, np.ndarray], end: str) -> np.ndarray:
        if "height" in settings:
            return np.array([0.012, 0.96])
        bench = bench_of()
        one = bench.first if end == "node_a.q0" else bench.second
        off_hz = settings["sideband_frequency"] - one.sideband_hz()
        samples = next(
            play.waveform.real
            for play in program.body
            if getattr(play, "frame", "").endswith("sideband") and hasattr(play, "waveform")
        )
        pulse = HeatingPulse.square(one)
        square = len(samples) == len(pulse.envelope)
        photon = bench.photon()
        shaped = photon.sent if one is bench.first else photon.caught
        envelope = pulse.envelope if square else shaped
        heat = heated(np.abs(of_resonance(envelope, one.drive())), off_hz, one.model())
        lifts = photons[end] if square or broken != "photon" else 0.0
        line = np.exp(-((off_hz / 30e6) ** 2)) if broken == "line" else 0.0
        return 0.012 + 0.95 * (lifts * (heat.f + heat.fallen)) + 0.04 * line

    return law


async def test_both_ends_are_found_and_stored() -> None:
    bench = played_link(law_of({"node_a.q0": 0.004, "node_b.q0": 0.008}))
    outcome = await thermal_photons(bench)
    assert not outcome.failures
    for name, true in (("link_ab.a", 0.004), ("link_ab.b", 0.008)):
        found = outcome.measured[f"{name}.mode_photons"]
        assert abs(found.value - true) < 5 * found.sigma
        assert found.sigma < 0.001
        assert bench.first.bench.record.get(f"{name}.mode_photons") is not None
    assert len(outcome.panels) == 4


@pytest.mark.parametrize(
    ("thoroughness", "runs"),
    sampled(((0.1, [1, 1]), (1.0, [2, 1]), (3.0, [6, 3])), kept=((0.1, [1, 1]), (1.0, [2, 1]))),
)
async def test_shots_are_parted_so_that_a_modules_memory_holds_a_run(
    thoroughness: float, runs: list[int]
) -> None:
    bench = played_link(law_of({"node_a.q0": 0.004, "node_b.q0": 0.008}))
    for end in bench.ends:
        end.bench.thoroughness = thoroughness
    await thermal_photons(bench)
    played = [one for one in bench.first.bench.runner.programs if one.name == "thermal photons"]  # type: ignore[attr-defined]
    assert all(one.shots * len(OFF_WIDTHS) <= 131_072 for one in played)
    assert len(played) == 2 * sum(runs)
    assert sum(one.shots for one in played) == pytest.approx(2 * 27_000 * thoroughness, rel=0.01)


@pytest.mark.parametrize(
    ("broken", "why"),
    [("photon", "neither is believed"), ("line", "does not follow its line")],
)
async def test_what_two_pulses_do_not_agree_on_leaves_what_held_before(
    broken: str, why: str
) -> None:
    bench = played_link(law_of({"node_a.q0": 0.01, "node_b.q0": 0.01}, broken))
    before = entry("link_ab.a.mode_photons", 0.0021, "1")
    bench.first.bench.record.put([before])
    outcome = await thermal_photons(bench)
    assert why in outcome.failures["link_ab.a"]
    assert bench.first.bench.record.get("link_ab.a.mode_photons") == before
    assert any(panel.failed and panel.series for panel in outcome.panels)


async def test_an_f_that_does_not_come_back_is_refused() -> None:
    def law(program: Program, settings: dict[str, np.ndarray], end: str) -> np.ndarray:
        return np.full(len(next(iter(settings.values()))), 0.02)

    outcome = await thermal_photons(played_link(law))
    assert "comes to f and back" in outcome.failures["link_ab.a"]
    assert routine.LEAST_READY == 0.5


def test_steps_of_a_pulse_are_exponentials() -> None:
    """Large and small ones, as SciPy has them one by one."""
    rng = np.random.default_rng(4)
    matrices = rng.normal(size=(3, 5, 6, 6)) * np.array([1e-3, 0.1, 2.0])[:, None, None, None]
    assert exponentials(matrices) == pytest.approx(expm(matrices), rel=1e-8, abs=1e-8)
    assert np.array_equal(exponentials(np.zeros((2, 4, 4))), np.tile(np.eye(4), (2, 1, 1)))
