"""What is played of a readout with 1 shelved in 2: before windows, in resets and in heralds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.benches.calibration.synthetic_data import NODE, MadeRunner, known, no_line
from tests.benches.facility.fluxonium_pair import pair, written

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.fits.iq_clouds import herald_cut
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.herald import heralded, surely_in_0
from podium.control.calibration.known_resonator import known_resonator
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.reset import ACTIVE_ROUNDS, SHELVED_ROUNDS, active_reset
from podium.control.calibration.routines.rabi import rabi_program
from podium.control.calibration.routines.shelving_pulse import shelving_pulse
from podium.control.calibration.sequences import (
    RESULTS_APART_NS,
    Pulses,
    begins_ns,
    frame_names,
)
from podium.control.calibration.shelving import (
    has_plasmon_line,
    is_shelved,
    shelved_lifetime,
    shelving_of,
    why_not_shelved,
)
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.parameters.entry import NotMeasured, ParameterEntry
from podium.control.program.program import Barrier, Capture, If, Play, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.facilities.one_instrument import facility_of

MODELS = ("qblox_cluster", "zurich")


@pytest.fixture(scope="module")
def facilities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facility]:
    found = {}
    for model in MODELS:
        folder = tmp_path_factory.mktemp(model)
        found[model] = load_facility(written(facility_of(model, "bao2022_shelved", 2), folder))
    return found


@pytest.fixture
def facility(facilities: dict[str, Facility]) -> Facility:
    return facilities[MODELS[0]]


def bench_of(facility: Facility, gains: dict[str, float]) -> Bench:
    record = known(facility)
    like = record.get(f"{NODE}.q0.probe_amplitude")
    assert like is not None
    record.put(
        [
            ParameterEntry(
                f"{NODE}.{element}.shelving", gain, 1e-4, "1", "before", "before", like.tai_s, 1
            )
            for element, gain in gains.items()
        ]
    )
    runner = MadeRunner(no_line, 1, facility=facility)
    return Bench(runner, NODE, tuple(facility.qubits().values()), record, lambda _: None)


def pulses(facility: Facility, **gains: float) -> tuple[Pulses, Pulses]:
    bench = bench_of(facility, gains)
    first, second = (Pulses(bench, qubit) for qubit in bench.qubits)
    return first, second


def played(body: list[Statement]) -> list[str]:
    """Return the frames of pulses and the names of captures, in their order."""
    found = []
    for one in body:
        if isinstance(one, Play):
            found.append(one.frame)
        elif isinstance(one, Capture):
            found.append(one.name)
        elif isinstance(one, If):
            found += [f"if {part}" for part in played(list(one.then))]
    return found


def test_the_pulse_is_played_before_the_window_of_who_is_shelved(facility) -> None:
    first, second = pulses(facility, q0=0.01)
    body = first.measure()
    assert played(body) == ["q0.shelving", "q0", "q0.readout"]
    assert [one for one in body if isinstance(one, Barrier)] == [
        Barrier(("q0.shelving", "q0.readout"))
    ] * 2
    assert played(first.measure(shelved=False)) == ["q0", "q0.readout"]
    assert played(second.measure()) == ["q1", "q1.readout"]
    assert frame_names((first, second))[-1] == "q0.shelving"
    assert first.measure(frame="q0.herald")[0] == Barrier(("q0.shelving", "q0.herald"))


@pytest.mark.parametrize("gains", [{}, {"q0": 0.0}])
def test_nothing_is_shelved_that_was_not_found_to_pay(facility, gains) -> None:
    first, second = pulses(facility, **gains)
    assert not is_shelved(first.bench, first.qubit)
    assert first.measure() == first.measure(shelved=False)
    assert not any("shelving" in name for name in frame_names((first, second)))


def test_windows_of_results_end_apart_with_the_pulse_counted_in(facility) -> None:
    first, second = pulses(facility, q0=0.01)
    readouts = [first.measure(), second.measure()]
    ends_ns = []
    for begin_ns, readout in zip(begins_ns(readouts), readouts, strict=True):
        window = next(one for one in readout if isinstance(one, Capture))
        ends_ns.append(begin_ns + (window.delay_fs + window.duration_fs) // FS_PER_NS)
    ends_ns[0] += shelving_of(first.bench, first.qubit).duration_ns
    assert abs(ends_ns[1] - ends_ns[0]) == RESULTS_APART_NS


def test_each_round_of_a_reset_brings_2_to_1_before_it_reads_and_flips(facility) -> None:
    both = pulses(facility, q0=0.01)
    order = played(active_reset(both, frame_names(both)))
    reads = [order.index(f"q0_reset{k}") for k in range(SHELVED_ROUNDS)]
    assert [order[place - 1] for place in reads] == ["q0.shelving"] * SHELVED_ROUNDS
    flips = ["if q0.drive", "if q1.drive"]
    assert [one for one in order if one.startswith("if ")] == flips * SHELVED_ROUNDS
    alone = played(active_reset(both[1:], ("q1.drive", "q1.readout")))
    assert [one for one in alone if one.startswith("if ")] == flips[1:] * ACTIVE_ROUNDS


def test_a_herald_looks_for_2_first_and_then_for_1(facility) -> None:
    both = pulses(facility, q0=0.01)
    prepare: list[Statement] = [p.pi() for p in both]
    read = [statement for p in both for statement in p.measure()]
    order = played(heralded(both, frame_names(both), prepare, read))
    assert order[:7] == [
        *("q0_herald_unshelved", "q0.herald"),
        *("q0.shelving", "q0_herald", "q0.herald"),
        *("q1_herald", "q1.herald"),
    ]
    assert order[-3:] == ["q0.shelving", "q0.drive", "q1.drive"]
    bare = played(heralded(both, frame_names(both), prepare, read, shelved=False))
    assert bare == [*order[:-3], *order[-2:]]


def test_shots_count_that_all_heralds_find_in_0() -> None:
    levels = Levels(0j, 1 + 0j, 0.01, 0.01)
    first, second = np.array([0j, 1, 0, 1]), np.array([0j, 0, 1, 1])
    assert surely_in_0((first, second), levels).tolist() == [True, False, False, False]
    assert surely_in_0((second,), levels).tolist() == [True, True, False, False]


def test_what_a_readout_is_reckoned_with_is_that_of_2(facility) -> None:
    bare, shelved = (pulses(facility, q0=gain)[0] for gain in (0.0, 0.01))
    apart = [
        one.excited_hz - one.ground_hz
        for one in (known_resonator(p.bench, p.qubit).resonator for p in (bare, shelved))
    ]
    assert apart[1] == pytest.approx(2 * apart[0])  # of the record: four times chi
    lives_s = [shelved_lifetime(p.bench, p.qubit) for p in (bare, shelved)]
    assert lives_s[1] == pytest.approx(lives_s[0] / 5)


def lifted_places(p: Pulses, share: float) -> np.ndarray:
    """Return where shots lie that are lifted in each nanosecond, of the way from 0 to 2.

    ``share``: of that way, the resonator's line with the qubit in 1. For a weak probe.
    """
    one, opens = known_resonator(p.bench, p.qubit).resonator, p.opens_ns
    with_frequency = p.readout_frame().frequency_hz
    lines_hz = one.ground_hz + (one.excited_hz - one.ground_hz) * np.array([0.0, share, 1.0])
    rates = 1e-9 * (2j * np.pi * (lines_hz - with_frequency) - np.pi * one.kappa_hz)
    still, lifted = np.zeros(3, complex), np.zeros(p.probe_ns, complex)
    sums, total = np.zeros(3, complex), np.zeros(p.probe_ns, complex)
    for k in range(p.probe_ns):
        before = np.arange(p.probe_ns) > k
        own = np.where(before, rates[0], rates[1])
        after = (still + 1 / rates) * np.exp(rates) - 1 / rates
        moved = (lifted + 1 / own) * np.exp(own) - 1 / own
        if k >= opens:
            sums, total = sums + (still + after) / 2, total + (lifted + moved) / 2
        still, lifted = after, moved
    way = sums[2] - sums[0]
    return np.real((total - sums[0]) * np.conj(way)) / abs(way) ** 2


def test_a_herald_sees_what_is_lifted_to_1_where_1_is_read_much_as_2_is(facility) -> None:
    """Against shots lifted at each nanosecond, whose field goes from the line of 0 to that of 1."""
    first, _ = pulses(facility, q0=0.01)
    qubit, record = first.qubit, first.bench.record
    like = record.get(f"{qubit.name}.probe_amplitude")
    shift = first.bench.known(qubit, "shelved_shift").value
    assert like is not None
    levels, blind_s = Levels(0j, 1e-3 + 0j, 0.01, 0.01), []
    for share in (0.5, 0.8, 1.2):
        changed = {"chi": share * shift / 2, "probe_amplitude": 1e-4 * like.value}
        record.put(
            replace(like, name=f"{qubit.name}.{name}", value=value)
            for name, value in changed.items()
        )
        blind_s.append(readout_jumps(first).herald_is_blind_s(levels))
        line = herald_cut(levels)
        drawn = 1e-9 * np.sum(stats.norm.cdf((line - lifted_places(first, share)) / 0.1))
        assert blind_s[-1] == pytest.approx(drawn, rel=0.08), share
    assert blind_s[0] > 1.2 * blind_s[1] > 1.2 * blind_s[2]
    assert blind_s[2] < 0.9e-9 * first.probe_ns, "the whole readout"


def test_without_a_line_or_a_pulse_the_refusal_names_it(facility) -> None:
    first, _ = pulses(facility)
    record = known(facility)
    record.replace(e for n, e in record.all().items() if not n.endswith("shelving_duration"))
    bench = Bench(first.bench.runner, NODE, first.bench.qubits, record, lambda _: None)
    with pytest.raises(NotMeasured, match=r"q0\.shelving_duration has not been measured"):
        shelving_of(bench, first.qubit)


@pytest.mark.parametrize("model", MODELS)
def test_both_families_play_it(facilities, model: str) -> None:
    bench = bench_of(facilities[model], {"q0": 0.01, "q1": 0.01})
    bench.active_reset = True
    program = rabi_program(bench, bench.qubits, ef=False)
    flips = [one for one in program.body if isinstance(one, If)]
    assert len(flips) == 2 * SHELVED_ROUNDS
    compiled = compiler_for(bench.runner.facility)(program)
    assert sum(one.duration_fs for one in compiled.values()) > 1e6 * FS_PER_NS


async def test_nothing_is_shelved_whose_neighbour_moves_its_plasmon(tmp_path: Path) -> None:
    """A CZ by a drive of a plasmon needs just that: the readout would depend on the neighbour."""
    coupled = load_facility(written(pair(), tmp_path))
    bench = bench_of(coupled, {})
    outcomes = [one async for one in bring_up(bench, ("shelving_pulse", "plasmon_readout"))]
    assert len(outcomes) == 2
    for outcome in outcomes:
        assert not outcome.failures
        [note] = outcome.notes
        assert note.startswith("1-2 of q0 lies elsewhere when q1 is in 1")
    named = await shelving_pulse(bench, bench.qubits)
    assert named.notes[1] == "nothing drives the plasmon of q1: left out"
    assert has_plasmon_line(bench, bench.qubits[0]), "its gate has to find it"


def test_a_qubit_without_such_a_gate_is_shelved(facility) -> None:
    bench = bench_of(facility, {})
    assert [why_not_shelved(bench, qubit) for qubit in bench.qubits] == [None, None]
