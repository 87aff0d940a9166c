"""A readout with 1 shelved in 2 is taken up where it pays: data that are made up."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known
from tests.benches.facility.fluxonium_pair import written
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.fits.iq_clouds import discriminate
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.plasmon_readout import Setting, Trial, verdict
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import Measured, ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.sim_instruments.facilities.one_instrument import facility_of

SCATTER_V = 0.25e-3
RESONATOR_HZ = {"kappa": 1.2e6, "one": -0.30e6, "two": -0.75e6}


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    folder = tmp_path_factory.mktemp("shelved")
    return load_facility(written(facility_of("qblox_cluster", "bao2022_shelved", 1), folder))


@dataclass(frozen=True)
class Lines:
    """Shots of a qubit whose resonator has a line for each level; a share of each level decays."""

    facility: Facility
    decays: Mapping[int, float]
    """Share of a level that is read as 0."""
    seen: tuple[float, float, float] = (0.0, 1.2, 1.6)
    """Where a probe of the readout puts each level, mV beside that of 0."""

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        shape = (asked.program.shots, *asked.shape)
        place = 1e-3 + 0j
        noise = rng.normal(0, SCATTER_V, (2, *shape))
        if "preparation" not in asked.swept or "herald" in asked.capture:
            return place + noise[0] + 1j * noise[1]
        up, shelved = (
            np.broadcast_to(asked.swept[name] > 0, asked.shape)
            for name in ("preparation", "shelving")
        )
        level = np.where(up, np.where(shelved, 2, 1), 0)
        lost = np.array([0.0, self.decays[1], self.decays[2]])
        level = np.where(rng.random(shape) < lost[level], 0, level)
        amplitude = asked.swept["probe_amplitude"]
        if asked.shape[-1] == 3 and amplitude.max() < 0.02:  # the gentle scan of the lines
            return self._dips(asked, level) + 0.02 * (noise[0] + 1j * noise[1])
        return place - 1e-3 * np.array(self.seen)[level] + noise[0] + 1j * noise[1]

    def _dips(self, asked: Asked, level: np.ndarray) -> np.ndarray:
        design = self.facility.qubits()[f"{NODE}.q0"].design
        ground = design["readout_frequency"].value - design["chi"].value
        lines = ground + np.array([0.0, RESONATOR_HZ["one"], RESONATOR_HZ["two"]])
        away = asked.swept["probe_frequency"] - lines[level]
        return 1e-3 * (1 - 0.9 / (1 + 2j * away / RESONATOR_HZ["kappa"]))


async def work(
    facility: Facility, make: Lines, seed: int, before: Mapping[str, float] = {}
) -> tuple[Outcome, dict[str, ParameterEntry]]:
    runner = MadeRunner(make, seed, facility=facility)
    record = readable(facility, before)
    stands = record.all()
    qubits = tuple(facility.qubits().values())
    bench = Bench(runner, NODE, qubits, record, keep=lambda _: None, thoroughness=0.3)
    (outcome,) = [one async for one in bring_up(bench, ("plasmon_readout",))]
    return outcome, {n: e for n, e in record.all().items() if stands.get(n) != e}


def readable(facility: Facility, values: Mapping[str, float]) -> MemoryRecord:
    """Return a record whose readout puts 0 at 1 mV and 1 at 0."""
    record = known(facility)
    read = {"ground_i": 1e-3, "excited_i": 0.0, "ground_variance": 0.0625, **values}
    for name, value in read.items():
        like = record.get(f"{NODE}.q0.ground_q")
        assert like is not None
        record.put(
            [
                ParameterEntry(
                    f"{NODE}.q0.{name}", value, 1e-6, "1", "before", "before", like.tai_s, 1
                )
            ]
        )
    return record


@pytest.mark.parametrize("seed", sampled([101, 102, 103], kept=[101]))
async def test_shelving_is_taken_up_where_fewer_shots_are_wrong(facility, seed) -> None:
    outcome, stored = await work(facility, Lines(facility, {1: 0.04, 2: 0.004}), seed)
    assert outcome.failures == {}
    gain = stored[f"{NODE}.q0.shelving"]
    wrong = {level: 0.5 * share for level, share in ((1, 0.04), (2, 0.004))}
    overlap = 0.0082 - 0.0007  # 2.4 sigma from each middle to the threshold of 1, 3.2 to that of 2
    assert gain.value == pytest.approx(wrong[1] - wrong[2] + overlap, abs=5 * gain.sigma + 1e-3)
    bare = stored[f"{NODE}.q0.assignment_fidelity"]
    counted, given_back = 1 - wrong[1] - 0.0082, bare.value - (1 - wrong[1] - 0.0082)
    assert 0 < given_back < 0.03, "what jumps before the readout is no error of it"
    assert bare.sigma > 0.5 * np.sqrt((1 - counted) / 60_000)
    shift = stored[f"{NODE}.q0.shelved_shift"]
    assert shift.value == pytest.approx(RESONATOR_HZ["two"], abs=5 * shift.sigma)
    assert stored[f"{NODE}.q0.excited_i"].value == pytest.approx(-0.6e-3, abs=5e-5)
    assert len(outcome.runs) == 4


@pytest.mark.parametrize("seed", sampled([101, 102, 103], kept=[101]))
async def test_where_2_decays_faster_all_stays_as_it_is(facility, seed) -> None:
    make = Lines(facility, {1: 0.01, 2: 0.06}, seen=(0.0, 1.4, 1.4))
    outcome, stored = await work(facility, make, seed)
    assert outcome.failures == {}
    assert stored == {}
    assert "shelved" in outcome.panels[-1].text


async def test_a_qubit_that_no_flip_would_find_in_1_is_not_shelved(facility) -> None:
    make = Lines(facility, {1: 0.04, 2: 0.004}, seen=(0.0, 0.7, 1.6))
    outcome, stored = await work(facility, make, 101)
    assert stored == {}
    assert "no flip would find it there" in outcome.failures[f"{NODE}.q0"]


async def test_what_makes_no_difference_is_not_taken_up(facility) -> None:
    make = Lines(facility, {1: 0.02, 2: 0.02}, seen=(0.0, 1.4, 1.4))
    assert (await work(facility, make, 7))[1] == {}


async def test_shelving_in_use_is_given_up_where_it_is_worse(facility) -> None:
    make = Lines(facility, {1: 0.01, 2: 0.08}, seen=(0.0, 1.4, 1.4))
    outcome, stored = await work(facility, make, 5, {"shelving": 0.01})
    assert outcome.failures == {}
    assert stored[f"{NODE}.q0.shelving"].value == 0.0
    assert stored[f"{NODE}.q0.excited_i"].value == pytest.approx(-0.4e-3, abs=5e-5)


def trial(bare: float, shelved: float, seed: int) -> Trial:
    rng = np.random.default_rng(seed)
    clouds = {}
    for name, lost in (("bare", bare), ("shelved", shelved)):
        noise = rng.normal(0, 0.1, (4, 20_000))
        place = np.where(rng.random(20_000) < lost, 0.0, 1.0)
        clouds[name] = (noise[0] + 1j * noise[1], place + noise[2] + 1j * noise[3])
    return Trial(discriminate(*clouds["bare"]), discriminate(*clouds["shelved"]), clouds, 0.9)


def judged(facility: Facility, trials: list[Trial], in_use: bool = False) -> dict[str, Measured]:
    qubit, probe = next(iter(facility.qubits().values())), Setting(8e9, 0.1)
    return verdict(qubit, in_use, trials, Measured(-6e5, 1e4, "Hz"), probe, probe)


def test_both_runs_have_to_show_it(facility) -> None:
    better, alike = trial(0.04, 0.01, 1), trial(0.012, 0.01, 2)
    assert judged(facility, [better, trial(0.04, 0.01, 3)])["shelving"].value > 0.01
    assert judged(facility, [alike, alike]) == {}
    with pytest.raises(FitFailed, match="two runs differ by"):
        judged(facility, [better, alike])
    assert judged(facility, [better, better], in_use=True) == {}
