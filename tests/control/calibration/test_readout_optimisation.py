"""Maps of readout settings, of clouds that are made here: where a heralded search looks next."""

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
from podium.control.calibration.herald import HERALD
from podium.control.calibration.routines.readout_optimisation import readout_optimisation
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
