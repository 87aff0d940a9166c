"""A shaped photon is kept where pairs of it are seen to be better, and only there."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray
from tests.benches.links.linked_ends import LINKED, bench_of, sidebands_ns
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import Confusion, both, effects, turned
from podium.control.calibration.links import photon_search
from podium.control.calibration.links import photon_shape as routine
from podium.control.calibration.links.emission import emission_program
from podium.control.calibration.links.entangled_pair import PSI_PLUS, bell_program
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_routines import ACTIONS, CALIBRATION
from podium.control.calibration.links.photon_design import shaped_for
from podium.control.calibration.links.photon_search import FoundPhoton
from podium.control.calibration.links.photon_shape import photon_shape, quick_ns
from podium.control.calibration.links.photon_transfer import lag_program
from podium.control.calibration.links.shaped_photon import (
    ATOMS,
    DURATION,
    HEIGHTS,
    KNOTS,
    ShapedPhoton,
)
from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.program.program import Play, Program, Table
from podium.control.program.validate import validate

ERRORS = Confusion((0.02, 0.02), (0.03, 0.03))
KNOWN = {
    f"{node}.q0.{name}": value
    for node in ("node_a", "node_b")
    for name, value in {
        "ground_i": (1e-3, "V"),
        "ground_q": (1e-6, "V"),
        "excited_i": (-1e-3, "V"),
        "excited_q": (1e-6, "V"),
        "ground_variance": (1e-8, "V^2"),
        "excited_variance": (1e-8, "V^2"),
        "readout_threshold": (0.5, "1"),
        "false_excited": (0.02, "1"),
        "false_ground": (0.03, "1"),
    }.items()
} | {"link_ab.delay": (7.4e-9, "s"), "link_ab.transmission": (0.77, "1")}
Pairs = Callable[[int, int], float]
"""Fidelity of pairs by how long the emission and a pulse on 1-2 before it last, ns."""


def lengths_ns(bench: LinkBench, program: Program) -> tuple[int, int]:
    """Return how long the emission and the last pulse on 1-2 before it last."""
    (_, sent), _ = sidebands_ns(bench, program)
    turns = [
        part.waveform.duration_fs // 10**6
        for part in program.body
        if isinstance(part, Play) and part.frame == bench.first.node.ef
    ]
    return sent[1] - sent[0], turns[-1]


def seen_of(bench: LinkBench, program: Program, pairs: Pairs, seed: int) -> xarray.Dataset:
    """Return a run's shots: Werner pairs of a phase of the run's own, readouts that err."""
    rng = np.random.default_rng(seed)
    good = (4 * pairs(*lengths_ns(bench, program)) - 1) / 3
    state = good * np.outer(PSI_PLUS, PSI_PLUS) + (1 - good) * np.eye(4) / 4
    tables = {
        one.name: one.values.values
        for one in program.axes[0].variables
        if isinstance(one.values, Table)
    }
    ahead = (0.0, float(rng.random()))
    played = []
    for k in range(program.axes[0].count):
        of_end = []
        for end, by in zip(bench.ends, ahead, strict=True):
            name = end.node.qubit.name
            share = tables[f"{name}_height"][k] / end.node.pi_amplitude()
            of_end.append(turned(np.pi * share, tables[f"{name}_turn"][k] - by))
        played.append(both(of_end[0], of_end[1]))
    chances = np.einsum("soab,ba->so", effects(played, ERRORS.matrix()), state).real
    outcomes = np.array([rng.choice(4, program.shots, p=row / row.sum()) for row in chances]).T
    data = {}
    for end, ones in zip(bench.ends, (outcomes >> 1, outcomes & 1), strict=True):
        data[f"{end.capture}_i"] = (("shot", "setting"), 1e-3 - 2e-3 * ones)
        data[f"{end.capture}_q"] = (("shot", "setting"), np.full(ones.shape, 1e-6))
    return xarray.Dataset(data)


@pytest.fixture(scope="module")
def once() -> Callable[..., FoundPhoton]:
    """Search once for all, and not to the end: the link is the same in each test."""
    found: list[FoundPhoton] = []

    def shaped(*given: object) -> FoundPhoton:
        if not found:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(photon_search, "ENDS", 1e-5)
                found.append(shaped_for(*given))
        return found[0]

    return shaped


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch, once) -> Callable[[Pairs], LinkBench]:
    """Return the bench of a link on which pairs are as good as asked."""
    monkeypatch.setattr(routine, "shaped_for", once)

    def made(pairs: Pairs) -> LinkBench:
        runs: list[Program] = []

        async def run(self: LinkBench, _: Outcome, program: Program) -> xarray.Dataset:
            runs.append(program)
            return seen_of(self, program, pairs, len(runs))

        monkeypatch.setattr(LinkBench, "run", run)
        bench = bench_of(LINKED, **KNOWN)

        async def commit(self: Bench, outcome: Outcome, measured: dict[str, Measured]) -> None:
            outcome.measured.update(measured)

        monkeypatch.setattr(Bench, "commit", commit)
        return bench

    return made


async def test_the_better_of_two_shapes_is_kept(link) -> None:
    """The shaped photon is shorter than the sech, and with quick pulses pairs are best."""
    bench = link(lambda emission, turn: 0.80 + 0.02 * (emission < 120) + 0.01 * (turn < 30))
    outcome = await photon_shape(bench)
    assert not outcome.failures
    found = {name.removeprefix("link_ab."): one for name, one in outcome.measured.items()}
    assert set(found) == {DURATION, ATOMS, "photon_gain", *HEIGHTS}
    assert found["photon_gain"].value == pytest.approx(0.03, abs=4 * found["photon_gain"].sigma)
    assert 0.001 < found["photon_gain"].sigma < 0.006
    assert found[ATOMS].value == pytest.approx(quick_ns(bench) * 1e-9)
    assert found[DURATION].value < 120e-9
    assert any("% of what is not loss" in note for note in outcome.notes)


async def test_quick_pulses_that_cost_pairs_are_left_out(link) -> None:
    bench = link(lambda emission, turn: 0.80 + 0.02 * (emission < 120) - 0.03 * (turn < 30))
    outcome = await photon_shape(bench)
    assert outcome.measured[f"link_ab.{ATOMS}"].value == 0
    assert outcome.measured["link_ab.photon_gain"].value > 0


@pytest.mark.parametrize("gain", sampled([-0.02, 0.0], kept=[0.0]))
async def test_a_photon_that_is_not_better_changes_nothing(link, gain: float) -> None:
    bench = link(lambda emission, turn: 0.80 + gain * (emission < 120))
    outcome = await photon_shape(bench)
    assert not outcome.measured
    assert "link_ab keeps its photon" in outcome.notes


async def test_without_a_delay_nothing_is_played() -> None:
    bench = bench_of(LINKED)
    with pytest.raises(NotMeasured, match=r"link_ab\.delay has not been measured"):
        await photon_shape(bench)


def stored(shape: ShapedPhoton) -> dict[str, tuple[float, str]]:
    return {f"link_ab.{name}": (value, "1") for name, value in shape.quantities().items()}


def shape(top_hz: float, atoms_ns: int | None = 20) -> ShapedPhoton:
    heights = np.zeros((2, 2, KNOTS))
    heights[:, 0] = top_hz * np.hanning(KNOTS + 2)[1:-1]
    heights[:, 1] = 1.0  # no number of a store is without a sigma
    return ShapedPhoton(heights, 104, atoms_ns)


def test_pairs_are_of_the_photon_that_is_stored_and_calibration_of_the_sech() -> None:
    """The catch begins as the photon arrives; pulses about it are quick, others are not."""
    plain, bench = bench_of(LINKED, **KNOWN), bench_of(LINKED, **KNOWN, **stored(shape(9e6)))
    validate(bell_program(bench, 100))
    assert bench.photon().duration_ns == 104
    assert lengths_ns(bench, bell_program(bench, 100)) == (104, 20)
    assert lengths_ns(plain, bell_program(plain, 100)) == (152, 36)
    assert (plain.flight_ns(), bench.flight_ns()) == (7, 7)
    (_, sent), (_, caught) = sidebands_ns(bench, bell_program(bench, 100))
    assert caught[0] - sent[0] == 7
    (reset, _), _ = sidebands_ns(bench, bell_program(bench, 100))
    assert reset[1] - reset[0] == 152
    for made in (emission_program, lag_program):
        assert made(bench.sech(), 100) == made(plain, 100)
    assert emission_program(bench, 100) == emission_program(plain, 100)
    turned = replace(bench, first=bench.second, second=bench.first)
    assert turned.shape() is None
    half = bench.pair_pulses()[0].ef_pi_amplitude() / bench.first.node.ef_pi_amplitude()
    assert half == pytest.approx(36 / 20)


def test_a_stored_photon_that_full_scale_no_longer_makes_is_left_out() -> None:
    """Not so one that is tried: it is refused."""
    weak = {"link_ab.a.sideband_rate": (9.0e6, "Hz")}
    assert bench_of(LINKED, **KNOWN, **stored(shape(9e6))).photon().duration_ns == 104
    bench = bench_of(LINKED, **{**KNOWN, **weak, **stored(shape(9e6))})
    assert bench.photon().duration_ns == 152
    assert bench.pair_pulses()[0] == bench.first.node
    with pytest.raises(FitFailed, match="of full scale"):
        replace(bench, chosen=shape(9e6)).photon()


def test_it_is_a_command_of_its_own() -> None:
    assert ACTIONS["shape"] == ("sideband_chirp", "photon_shape")
    assert not set(ACTIONS["shape"]) & set(CALIBRATION)
