"""Maps of readout settings, of clouds that are made here: where a heralded search looks next."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import (
    EXAMPLE,
    NODE,
    NOW_S,
    ONE_SHOT_V,
    Asked,
    MadeRunner,
    known,
)

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.separation import BestSetting
from podium.control.calibration.herald import HERALD
from podium.control.calibration.outcome import Picture
from podium.control.calibration.routines.readout_optimisation import (
    NARROW,
    WIDE,
    Samples,
    readout_optimisation,
    window_of,
)
from podium.control.calibration.sequences import all_pulses
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Play

FACILITY = load_facility(EXAMPLE)
QUBIT = FACILITY.qubits()[f"{NODE}.q0"]
T1_S = 6e-6
GROUND = 1e-3
"""Where 0 is read, V, as the record has it."""
APART = 11.0
"""Of 0 and 1, in units of one shot's noise, at the best frequency and amplitude, of a window of
600 ns."""


def played_ns(asked: Asked) -> float:
    """Return the length of the readout pulse."""
    return next(
        1e-6 * one.waveform.duration_fs
        for one in asked.program.body
        if isinstance(one, Play) and one.frame == f"{asked.element}.readout"
    )


def short_lived(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """A hill over frequency and amplitude, and a qubit that decays long before the pulse ends."""
    shots = (asked.program.shots, *asked.shape)
    scatter = rng.normal(0, ONE_SHOT_V, (2, *shots))
    noise = scatter[0] + 1j * scatter[1]
    if asked.capture.endswith(HERALD):
        return GROUND + noise
    window_ns = played_ns(asked)
    x = (asked.swept["probe_frequency"] - 7.2585e9) / 2.5e6
    y = np.log(asked.swept["probe_amplitude"] / 0.06)
    volts = APART * ONE_SHOT_V * np.exp(-(x**2 + y**2) / 2)
    # Noise is that of a window of 600 ns at all lengths: what the length gives is in the signal.
    volts = volts * np.sqrt(window_ns / 600)
    alive = rng.exponential(T1_S, shots) > 1e-9 * window_ns / 2
    one = alive & (asked.swept["preparation"] > 0)
    return np.where(one, GROUND - volts, GROUND) + noise


async def test_heralded_maps_have_the_length_that_is_best_so_far() -> None:
    """A distance measured with pulses twice as long says little of those that are best."""
    lengths_ns: list[float] = []

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        if not asked.capture.endswith(HERALD):
            lengths_ns.append(played_ns(asked))
        return short_lived(asked, rng)

    record = known(FACILITY)
    record.put([ParameterEntry(f"{QUBIT.name}.t1", T1_S, 1e-7, "s", "", "", float(NOW_S), 1)])
    bench = Bench(MadeRunner(make, 3), NODE, (QUBIT,), record, keep=lambda _: None)
    outcome = await readout_optimisation(bench, (QUBIT,))
    assert outcome.failures == {}
    best_ns = 1e9 * outcome.measured[f"{QUBIT.name}.probe_duration"].value
    first_ns, *others_ns = lengths_ns
    assert best_ns < 0.8 * first_ns
    assert others_ns[-1] == pytest.approx(best_ns, rel=0.2)


def heralded(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """The same with a qubit that decays seldom."""
    shots = (asked.program.shots, *asked.shape)
    scatter = rng.normal(0, ONE_SHOT_V, (2, *shots))
    noise = scatter[0] + 1j * scatter[1]
    if asked.capture.endswith(HERALD):
        return GROUND + noise
    x = (asked.swept["probe_frequency"] - 7.2585e9) / 2.5e6
    y = np.log(asked.swept["probe_amplitude"] / 0.06)
    volts = APART * ONE_SHOT_V * np.exp(-(x**2 + y**2) / 2) * np.sqrt(played_ns(asked) / 600)
    one = (rng.random(shots) > 0.01) & (asked.swept["preparation"] > 0)
    return np.where(one, GROUND - volts, GROUND) + noise


async def maps_with_heralds(frequency_hz: float, amplitude: float) -> list[tuple[int, float, int]]:
    """Return size, middle frequency (Hz) and shots of each map, with a setting found before."""
    maps: list[tuple[int, float, int]] = []

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        if not asked.capture.endswith(HERALD):
            middle_hz = float(np.mean(asked.swept["probe_frequency"]))
            maps.append((int(np.prod(asked.shape)) // 2, middle_hz, asked.program.shots))
        return heralded(asked, rng)

    record = known(FACILITY)
    for name, value in (("probe_frequency", frequency_hz), ("probe_amplitude", amplitude)):
        entry = ParameterEntry(f"{QUBIT.name}.{name}", value, 1e-4 * value, "", "", "", NOW_S, 1)
        record.put([entry])
    bench = Bench(MadeRunner(make, 3), NODE, (QUBIT,), record, keep=lambda _: None)
    outcome = await readout_optimisation(bench, (QUBIT,))
    assert outcome.failures == {}
    assert outcome.measured[f"{QUBIT.name}.probe_frequency"].value == pytest.approx(
        7.2585e9, abs=0.6e6
    )
    return maps


async def test_a_search_begins_where_an_earlier_one_ended() -> None:
    [first, *others] = await maps_with_heralds(7.2589e9, 0.055)
    assert first[0] == prod(NARROW)
    assert first[1] == pytest.approx(7.2589e9, abs=1e3)
    assert all(one[0] == prod(NARROW) for one in others)


async def test_beyond_the_edge_of_a_narrow_map_another_one_is_measured() -> None:
    """The many shots of the top are for where the best setting is."""
    [first, second, *others] = await maps_with_heralds(7.2585e9, 0.02)
    assert first[0] == second[0] == prod(NARROW)
    assert first[2] == second[2] < others[-1][2]


async def test_where_nothing_is_left_to_be_seen_a_search_begins_anew() -> None:
    """A setting that tells 0 from 1 no longer: as if there were none."""
    [first, second, third, *_] = await maps_with_heralds(7.2389e9, 0.055)
    assert first[1] == pytest.approx(7.2389e9, abs=1e3)
    assert (first[0], second[0], third[0]) == (prod(NARROW), prod(WIDE), prod(NARROW))


def test_a_setting_is_inside_where_one_of_the_maps_at_the_top_has_it() -> None:
    """Two maps side by side leave two corners of the range that both span."""
    samples = Samples(window_of(all_pulses(bench_of_one(), (QUBIT,))[0]))
    samples.add([(7.25e9, 0.0, 4e-7, 9.0, 0.1, 900.0, 9.0)])
    samples = samples.at_the_top()
    low, high = np.array([0.05, 0.06]), np.array([0.06, 0.07])
    for shift_ghz, powers in ((0.0, low), (1e-3, high)):
        frequencies = 7.2580 + shift_ghz + np.array([0.0, 1e-3])
        samples.add([(7.258e9 + 1e9 * shift_ghz, -3.0, 4e-7, 9.0, 0.1, 900.0, 9.0)])
        samples.maps.append(Picture(frequencies, powers, np.ones((2, 2)), "", True))
    setting = BestSetting(7.2585e9, np.log(0.055), 4e-7, (1.0, 1.0, 1.0), 9, 0.99, 0, 0, True)
    assert samples.surround(setting)
    assert not samples.surround(replace(setting, log_amplitude=np.log(0.065)))
    assert not samples.surround(replace(setting, inside=False))
    # The next map drops all but the last one.
    assert [len(samples.rows), len(samples.earlier)] == [2, 1]
    later = samples.at_the_top()
    assert [len(later.rows), len(later.earlier)] == [1, 2]
    assert later.rows[0][0] == pytest.approx(7.259e9)


def bench_of_one() -> Bench:
    return Bench(MadeRunner(heralded, 3), NODE, (QUBIT,), known(FACILITY), keep=lambda _: None)


def at_the_edge(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """0 and 1 well apart, the better the stronger the probe, and next to no decay."""
    shots = (asked.program.shots, *asked.shape)
    scatter = rng.normal(0, ONE_SHOT_V, (2, *shots))
    x = (asked.swept["probe_frequency"] - 7.2585e9) / 2.5e6
    volts = APART * ONE_SHOT_V * np.exp(-(x**2) / 2) * asked.swept["probe_amplitude"] / 0.1
    one = np.broadcast_to(asked.swept["preparation"] > 0, shots)
    return np.where(one, GROUND - volts, GROUND) + scatter[0] + 1j * scatter[1]


async def maps_without_heralds(thoroughness: float) -> int:
    """Return how many maps are measured of a hill whose top is out of reach."""
    maps: list[float] = []

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        maps.append(played_ns(asked))
        return at_the_edge(asked, rng)

    entries = known(FACILITY).all().values()
    record = MemoryRecord(one for one in entries if not one.name.endswith("readout_threshold"))
    bench = Bench(MadeRunner(make, 3), NODE, (QUBIT,), record, keep=lambda _: None)
    bench.thoroughness = thoroughness
    outcome = await readout_optimisation(bench, (QUBIT,))
    assert outcome.failures == {}
    return len(maps)


async def test_a_rough_search_ends_at_the_edge_once_a_setting_reads_well() -> None:
    """Heralds will do there, and with them the search goes on in a twentieth of the time."""
    assert await maps_without_heralds(0.3) == 2
    assert await maps_without_heralds(1.0) > 4
