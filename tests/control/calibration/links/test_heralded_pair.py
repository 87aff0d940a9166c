"""Attempts at a herald station: what is played when, which shots announce what, what is found."""

import numpy as np
import pytest
import xarray
from tests.benches.links.linked_ends import EXAMPLES, bench_of, sidebands_ns

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import (
    SETTINGS,
    both,
    effects,
    pair_counts,
    read_rotation,
    tomography,
    turned,
)
from podium.control.calibration.links.alpha_scan import alpha_scan
from podium.control.calibration.links.entangled_pair import PHASES, PSI_PLUS
from podium.control.calibration.links.heralded_pair import (
    ONE_CLICK,
    TWO_CLICKS,
    HeraldedAttempts,
    Heralds,
    Scheme,
    check_windows,
    herald_one_click,
    heralds_of,
    phase_of,
)
from podium.control.calibration.links.link_bench import LinkBench, echo_sigma
from podium.control.calibration.links.link_routines import HERALDED_CALIBRATION, calibrate_link
from podium.control.calibration.routines.bell_state import rotations
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.families.family import families_of
from podium.control.parameters.entry import NotMeasured
from podium.control.program.validate import validate

OPTICAL = EXAMPLES / "linked" / "facility_optical.yaml"
ARMS_NS, CABLE_NS = 75, 20
NS = 10**6


def attempts_of(scheme: Scheme, **over: tuple[float, str]) -> HeraldedAttempts:
    return HeraldedAttempts.of(bench_of(OPTICAL, **over), scheme)


def windows_ns(attempts: HeraldedAttempts, shots: int = 10) -> list[tuple[int, int]]:
    """Open and close of the first detector's windows in a shot."""
    placed = place_in_fs(attempts.program(shots))
    (frame,) = (one for one in placed.frames if one.frame.name == attempts.detectors[0])
    begins = [int(np.ravel(one.start_fs)[0]) // NS for one in frame.windows]
    return [(at, at + one.duration_fs // NS) for at, one in zip(begins, frame.windows, strict=True)]


@pytest.mark.parametrize("scheme", [ONE_CLICK, TWO_CLICKS])
def test_windows_are_open_when_photons_come(scheme: Scheme) -> None:
    attempts = attempts_of(scheme)
    program = attempts.program(10)
    validate(program)
    first, second = sidebands_ns(attempts.bench, program)
    assert len(first) == len(second) == len(scheme.windows)
    assert [one[0] for one in first] == [one[0] for one in second]  # arms of equal length
    opened = windows_ns(attempts)
    for (begin, end), (opens, closes) in zip(first, opened, strict=True):
        assert opens < begin + ARMS_NS + CABLE_NS - 20
        assert closes > end + ARMS_NS + CABLE_NS + 100
    for (_, closes), (begin, _) in zip(opened, first[1:], strict=False):
        assert closes < begin + ARMS_NS + CABLE_NS  # none is seen twice


def test_the_nearer_end_emits_later(tmp_path) -> None:
    file = tmp_path / "facility.yaml"
    arm = "delay: {value: 75 ns, spread: 0.3 ns"
    file.write_text(OPTICAL.read_text().replace(arm, arm.replace("75", "95"), 1))
    attempts = HeraldedAttempts.of(bench_of(file), ONE_CLICK)
    first, second = sidebands_ns(attempts.bench, attempts.program(10))
    assert second[0][0] - first[0][0] == 20


@pytest.mark.parametrize("scheme", [ONE_CLICK, TWO_CLICKS])
def test_three_instruments_take_their_parts_of_one_program(scheme: Scheme) -> None:
    facility = load_facility(OPTICAL)
    families, trigger = families_of(facility), facility.timing.triggers
    program = attempts_of(scheme).program(100)
    bins = {}
    for name in ("cluster_a", "cluster_b", "station"):
        start = families[name].started_by(name, trigger[name])
        made = families[name].compile(program, name, start)
        bins[name] = {one.capture: one.shape for one in made.results}
    shape = (len(SETTINGS) + PHASES,)
    assert bins["cluster_a"] == {"node_a.q0": shape}
    captures = [f"link_ab.{d}.{w}" for d in ("d0", "d1") for w in scheme.windows]
    assert bins["station"] == dict.fromkeys(captures, shape)


def clicks(attempts: HeraldedAttempts, *patterns: tuple[int, ...]) -> xarray.Dataset:
    """One shot for each pattern: clicks of d0, d1 of each window."""
    names = [
        attempts.capture(port, window)
        for window in attempts.scheme.windows
        for port in attempts.detectors
    ]
    table = np.array(patterns, float)
    lasts_s = attempts.window_ns()[1] * 1e-9
    variables = {f"{name}_clicks": (("shot",), table[:, k]) for k, name in enumerate(names)}
    variables |= {
        f"{name}_first": (("shot",), np.where(table[:, k] > 0, 0.4 * lasts_s, np.nan))
        for k, name in enumerate(names)
    }
    return xarray.Dataset(variables)


def test_one_of_both_detectors_announces_a_pair_and_which_its_sign() -> None:
    attempts = attempts_of(ONE_CLICK)
    found = heralds_of(clicks(attempts, (0, 0), (1, 0), (0, 1), (1, 1), (2, 0)), attempts)
    assert found.signs.tolist() == [0, 1, -1, 0, 1]
    attempts = attempts_of(TWO_CLICKS)
    seen = clicks(attempts, (1, 0, 1, 0), (1, 0, 0, 1), (0, 1, 0, 1), (1, 1, 0, 1), (0, 1, 0, 0))
    assert heralds_of(seen, attempts).signs.tolist() == [1, -1, 1, 0, 0]


def test_clicks_at_the_edge_of_a_window_are_no_photons_in_it() -> None:
    attempts = attempts_of(ONE_CLICK)
    good = clicks(attempts, (1, 0), (0, 1))
    check_windows(good, attempts)
    late = good.assign({name: 2.4 * one for name, one in good.items() if "first" in str(name)})
    with pytest.raises(FitFailed, match="photons are cut off"):
        check_windows(late, attempts)
    with pytest.raises(FitFailed, match="d1 never clicked"):
        check_windows(clicks(attempts, (1, 0), (1, 0)), attempts)


def seen_pairs(
    weight: float, ahead: float, shots: int, seed: int
) -> tuple[np.ndarray, np.ndarray, Heralds]:
    """Outcomes of both ends in all settings, for pairs of both signs with some noise in them."""
    drawn = np.random.default_rng(seed)
    turns = np.linspace(0.0, 1.0, PHASES)
    settings = [(read_rotation(a), read_rotation(b)) for a, b in SETTINGS]
    settings += [(turned(np.pi / 2, 0.0), turned(np.pi / 2, turn)) for turn in turns]
    first, second = np.zeros((2, shots, len(settings)), bool)
    sign = np.where(drawn.random(first.shape) < 0.5, 1, -1)
    heralded = drawn.random(first.shape) < 0.2
    for k, (one, other) in enumerate(settings):
        for s in (1, -1):
            pair = np.array([0, 1, s * np.exp(2j * np.pi * ahead), 0]) / np.sqrt(2)
            rho = weight * np.outer(pair, pair.conj())
            rho[3, 3] += 1 - weight
            whole = both(one, other)
            chance = np.diagonal(whole @ rho @ whole.conj().T).real
            outcome = drawn.choice(4, shots, p=chance / chance.sum())
            mine = sign[:, k] == s
            first[mine, k], second[mine, k] = (outcome >> 1 == 1)[mine], (outcome & 1 == 1)[mine]
    noise = drawn.random((2, *first.shape)) < 0.5  # what is not heralded tells nothing
    first, second = np.where(heralded, (first, second), noise)
    return first, second, Heralds((sign > 0) & heralded, (sign < 0) & heralded)


@pytest.mark.parametrize(("weight", "ahead", "seed"), [(0.9, 0.13, 11), (0.8, 0.71, 12)])
def test_the_state_of_pairs_of_both_signs_is_found_by_their_heralds(
    weight: float, ahead: float, seed: int
) -> None:
    first, second, heralds = seen_pairs(weight, ahead, 8000, seed)
    settings = len(SETTINGS)
    turn = phase_of(first, second, heralds)
    measured = effects([*rotations(turn), *rotations(turn + 0.5)], np.eye(4))
    kept = [one[:, :settings] for one in (heralds.even, heralds.odd)]
    counts = [pair_counts(first[:, :settings], second[:, :settings], one) for one in kept]
    found = tomography(np.concatenate(counts), measured, PSI_PLUS)
    assert found.fidelity == pytest.approx(weight, abs=5 * found.fidelity_sigma + 0.005)
    wrong = tomography(np.concatenate(counts[::-1]), measured, PSI_PLUS)  # the null
    assert wrong.fidelity < 0.2
    every = Heralds(heralds.any, np.zeros_like(heralds.odd))
    with pytest.raises(FitFailed):
        phase_of(first, second, every)


def test_a_run_without_a_herald_says_so() -> None:
    none = np.zeros((10, len(SETTINGS) + PHASES), bool)
    with pytest.raises(FitFailed, match="no pair was heralded"):
        phase_of(none, none, Heralds(none, none))


@pytest.mark.parametrize("routine", [herald_one_click, alpha_scan])
async def test_one_click_is_refused_where_oscillators_turn_the_pair(routine, tmp_path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(OPTICAL.read_text().replace("lo: 3.60 GHz", "lo: 3.65 GHz"))
    (remark,) = load_with_remarks(file)[1]
    with pytest.raises(FitFailed, match="turns from shot to shot") as refused:
        await routine(bench_of(file))  # whose runner plays nothing
    assert str(refused.value) in str(remark)


async def test_what_sends_from_end_to_end_is_refused_on_a_link_with_a_station() -> None:
    bench = bench_of(OPTICAL)
    assert echo_sigma(bench.link) == 0.0

    async def nothing(*_: object) -> None: ...

    with pytest.raises(NotMeasured, match="link_bell sends photons from end to end"):
        await calibrate_link(bench, ("link_bell",), nothing, nothing)
    with pytest.raises(NotMeasured, match="has no herald station"):
        HeraldedAttempts.of(bench_of(), ONE_CLICK)
    assert "photon_transfer" not in HERALDED_CALIBRATION


def test_a_bench_without_a_station_is_as_it_was() -> None:
    bench: LinkBench = bench_of()
    assert bench.link.station is None
    assert echo_sigma(bench.link) > 0
