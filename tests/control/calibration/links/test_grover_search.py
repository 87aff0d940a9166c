"""A search over two nodes as routines: what is stored, when, and what it is compared with."""

import asyncio

import numpy as np
import pytest
import xarray
from tests.benches.links.data_ends import DATA, MORE, WIRED, data_bench
from tests.benches.links.linked_ends import KNOWN, entry

from podium.control.calibration.links.grover_forecast import told_of
from podium.control.calibration.links.grover_program import ENTRIES, READS
from podium.control.calibration.links.grover_search import (
    SEARCH_SHOTS,
    START_SHOTS,
    behind_s,
    grover_search,
    halves_readout,
    mean_of,
    parts_of,
    search_forecast,
    search_pairs,
    shots_of_starts,
    successes,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_session import link_validities
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import NotMeasured, ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.noisy_register import ReadoutErrors
from podium.control.program.program import Program
from podium.firmware_interfaces.tai import Tai

PARTS = {
    **{
        f"node_{n}.q{q}.{quantity}": one
        for n in "ab"
        for q in (0, 1)
        for quantity, one in {
            "t1": (300e-6, "s"),
            "t2_echo": (250e-6, "s"),
            "t2_ramsey": (150e-6, "s"),
            "false_excited": (0.002, "1"),
            "false_ground": (0.01, "1"),
            "thermal_population": (0.01, "1"),
        }.items()
    },
    **{f"node_{n}.q0_q1.budget_error": (0.002, "1") for n in "ab"},
    "link_ab.bell_fidelity": (0.97, "1"),
    "link_ab.data_kept_first": (0.999, "1"),
    "link_ab.data_kept_second": (0.998, "1"),
}
LEVELS_V = np.array([1e-3, -1e-3])
"""Of 0 and 1, as :mod:`tests.benches.links.data_ends` has them."""


class SearchRunner:
    """Answers a search's programs: fringes of two phases, and entries found as often as asked."""

    def __init__(self, file, found: float, phases=(0.2, 0.9)) -> None:
        self.facility = load_facility(file)
        self.played: list[str] = []
        self._found, self._phases = found, phases
        self._seconds = 1

    async def now(self) -> Tai:
        self._seconds += 1
        return Tai(self._seconds, 0)

    async def run(self, program: Program) -> xarray.Dataset:
        self.played.append(program.name)
        rng = np.random.default_rng(len(self.played))
        if program.name == "pairs of a search":
            return self._pairs(program, rng)
        if program.name == "data qubits beside a readout":
            return self._beside()
        wrong = (np.arange(4) + rng.integers(1, 4, (program.shots, 4))) % 4
        right = rng.random((program.shots, 4)) < self._found
        outcome = np.where(right, np.arange(4), wrong)
        ones = {"node_a.q1": outcome // 2, "node_b.q1": outcome % 2}
        return self._dataset(ones, ("shot", "entry"), {})

    def _pairs(self, program: Program, rng) -> xarray.Dataset:
        turn = np.linspace(0, 1, 9)
        parity = 0.9 * np.cos(2 * np.pi * (turn - np.array(self._phases)[:, None]))
        first = rng.integers(0, 2, (program.shots, 2, 9))
        alike = rng.random(first.shape) < (1 + parity) / 2
        ones = {"node_a.q0": first, "node_b.q0": np.where(alike, first, 1 - first)}
        return self._dataset(ones, ("shot", "pair", "phase"), {"turn": ("phase", turn)})

    def _beside(self) -> xarray.Dataset:
        """Each of :data:`READS` readouts turns by 0.01 and -0.02, and leaves 0.99 and 0.98."""
        turn = np.linspace(0, 1, 9)
        variables = {}
        for name, turned, kept in (("node_a.q1", 0.01, 0.99), ("node_b.q1", -0.02, 0.98)):
            loud = np.array([0, READS])[:, None]
            fringe = 0.9 * kept**loud * np.cos(2 * np.pi * (turn - 0.3 - turned * loud))
            variables[f"{name}_i"] = (("readout", "phase"), 1e-3 * fringe)
            variables[f"{name}_q"] = (("readout", "phase"), np.full((2, 9), 1e-6))
        attrs = {"run": str(len(self.played)), "epoch": 1}
        return xarray.Dataset(variables, {"turn": ("phase", turn)}, attrs)

    def _dataset(self, ones, dims, coordinates) -> xarray.Dataset:
        variables = {f"{name}_i": (dims, LEVELS_V[one]) for name, one in ones.items()}
        variables |= {f"{name}_q": (dims, np.full(one.shape, 1e-6)) for name, one in ones.items()}
        attrs = {"run": str(len(self.played)), "epoch": 1}
        return xarray.Dataset(variables, coordinates, attrs)


def bench_and_runner(found: float, file=DATA, **over) -> tuple[LinkBench, SearchRunner]:
    runner = SearchRunner(file, found)
    known = {**KNOWN, **MORE, **PARTS, **over}
    record = MemoryRecord(entry(name, *one) for name, one in known.items())
    validities = link_validities(runner.facility)
    link = runner.facility.links["link_ab"]
    return LinkBench.of(runner, link, record, lambda data: None, validities), runner


@pytest.fixture(scope="module")
def forecast() -> list[ParameterEntry]:
    """Return what a forecast of these parts stores: it is the same whatever is found."""
    bench, _ = bench_and_runner(0.9)
    record = bench.first.bench.record
    before = record.all()
    asyncio.run(search_forecast(bench))
    return [one for name, one in record.all().items() if name not in before]


async def foretold(forecast: list[ParameterEntry], found: float) -> tuple[LinkBench, SearchRunner]:
    """Return a bench that knows its forecast and the phases of its pairs."""
    bench, runner = bench_and_runner(found)
    bench.first.bench.record.put(forecast)
    await search_pairs(bench)
    return bench, runner


async def test_the_forecast_is_stored_before_anything_is_played() -> None:
    bench, runner = bench_and_runner(0.9)
    forecast = await search_forecast(bench)
    assert not runner.played
    assert not forecast.runs
    expected = bench.first.bench.known(bench.link, "search_expected")
    assert 0.85 < expected.value < 0.97**2
    assert expected.sigma > 1e-5  # what the parts' doubts make of it
    await search_pairs(bench)
    outcome = await grover_search(bench)
    starts = len(shots_of_starts(SEARCH_SHOTS))
    assert runner.played == ["pairs of a search", *["Grover's search"] * starts]
    assert outcome.measured.keys() == {
        f"link_ab.{name}"
        for name in (
            "search_success",
            "search_success_seen",
            *(f"search_success_{one}" for one in ENTRIES),
        )
    }


async def test_what_one_readout_does_to_the_data_beside_it_is_found_by_several() -> None:
    bench, _ = bench_and_runner(0.9)
    outcome = await halves_readout(bench)
    found = {name.split(".")[-1]: one.value for name, one in outcome.measured.items()}
    assert found == {
        "data_turn_first": pytest.approx(0.01, abs=1e-6),
        "data_kept_first": pytest.approx(0.99, abs=1e-5),
        "data_turn_second": pytest.approx(-0.02, abs=1e-6),
        "data_kept_second": pytest.approx(0.98, abs=1e-5),
    }


async def test_a_search_is_not_played_without_a_forecast() -> None:
    bench, runner = bench_and_runner(0.9)
    with pytest.raises(NotMeasured, match="search_expected"):
        await grover_search(bench)
    assert not runner.played


async def test_the_phases_of_both_pairs_are_found() -> None:
    bench, _ = bench_and_runner(0.9)
    outcome = await search_pairs(bench)
    first, second = (outcome.measured[f"link_ab.search_phase_{one}"] for one in ("first", "second"))
    assert abs(first.value - 0.2) < 5 * first.sigma
    assert abs(second.value - 0.9) < 5 * second.sigma


@pytest.mark.parametrize(("found", "said"), [(0.9, "was foretold"), (0.6, "more than the 0.01")])
async def test_what_is_found_stands_beside_what_was_foretold(
    found: float, said: str, forecast: list[ParameterEntry]
) -> None:
    bench, _ = await foretold(forecast, found)
    outcome = await grover_search(bench)
    seen = outcome.measured["link_ab.search_success_seen"]
    assert abs(seen.value - found) < 5 * seen.sigma
    assert outcome.measured["link_ab.search_success"].value > seen.value
    assert any(said in note for note in outcome.notes)


@pytest.mark.parametrize("shots", [16, START_SHOTS, START_SHOTS + 1, 250, 1003])
def test_a_start_has_few_shots_so_that_it_ends_in_time(shots: int) -> None:
    starts = shots_of_starts(shots)
    assert sum(starts) == shots
    assert max(starts) <= START_SHOTS
    assert max(starts) - min(starts) <= 1


async def test_shots_of_all_starts_count(forecast: list[ParameterEntry]) -> None:
    bench, runner = await foretold(forecast, 0.9)
    outcome = await grover_search(bench)
    assert len(outcome.runs) == runner.played.count("Grover's search") > 1
    # of 1,000 shots, and not of the last start's 200
    assert outcome.measured["link_ab.search_success_seen"].sigma == pytest.approx(0.0095, rel=0.1)


async def test_a_guess_is_no_search(forecast: list[ParameterEntry]) -> None:
    bench, _ = await foretold(forecast, 0.25)
    outcome = await grover_search(bench)
    assert "a guess" in outcome.failures["link_ab"]
    assert not outcome.measured


def test_errors_of_the_readouts_are_taken_out_of_what_was_found() -> None:
    """Against outcomes that were drawn perfect and then read with errors."""
    rng = np.random.default_rng(3)
    shots, chance = 40_000, 0.9
    errors = (ReadoutErrors(0.02, 0.06), ReadoutErrors(0.01, 0.1))
    right = rng.random((shots, 4)) < chance
    truth = np.where(right, np.arange(4), (np.arange(4) + rng.integers(1, 4, (shots, 4))) % 4)
    read = truth.copy()
    for place, bit in enumerate((2, 1)):
        ones = truth & bit > 0
        wrong = np.where(ones, errors[place].false_zero, errors[place].false_one)
        read ^= np.where(rng.random(truth.shape) < wrong, bit, 0)
    found = successes(read, np.linalg.inv(told_of(errors)))
    whole = mean_of(found)
    assert abs(whole.value - chance) < 5 * whole.sigma
    assert whole.sigma < 0.0015
    assert all(abs(one.value - chance) < 5 * one.sigma for one in found)
    assert mean_of(successes(read, np.eye(4))).value < chance - 0.03


def test_waits_are_those_of_the_program_and_pairs_stray_between_two_clusters_alone() -> None:
    latencies = {
        f"link_ab.{name}": (744e-9, "s") for name in ("result_latency", "result_latency_back")
    }
    one, two = (data_bench(file, **{**PARTS, **latencies}) for file in (DATA, WIRED))
    here, there = (parts_of(each, behind_s(each)) for each in (one, two))
    assert here.stray == 1.0
    assert there.stray == pytest.approx(np.exp(-((2 * np.pi * 8.4e9 * 2.5e-12) ** 2) / 2))
    for bench, parts in ((one, here), (two, there)):
        assert parts.waits_s[1] - parts.waits_s[0] == pytest.approx(bench.pair_ns() * 1e-9)
        assert bench.again_ns() < parts.waits_s[0] * 1e9 < bench.again_ns() + 2500
