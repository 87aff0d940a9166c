"""The routine that tunes a CZ by a carrier finds what two levels on paper ask for, or refuses."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from tests.benches.calibration import coupler_edge
from tests.benches.calibration.coupler_edge import FACILITY, Signal
from tests.benches.calibration.synthetic_data import NOW_S, Asked, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import edge_bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.client.carrier_pulse import carrier_samples
from podium.control.client.gate_slot import rest_fs
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Affine, Play, Program, as_set
from podium.control.program.waveforms import Sampled

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz", carrier=True)
LASTS_NS = 250
CHEVRON = {"carrier_amplitude": 0.2, "carrier_frequency": 200e6, "carrier_duration": 250e-9}
HEAT = 0.46
"""Half the contrast of fringes."""


def record() -> MemoryRecord:
    made = known(FACILITY)
    made.put(
        ParameterEntry(
            f"{EDGE.name}.{name}", value, 1e-4 * value, "1", "before", "before", float(NOW_S), 1
        )
        for name, value in CHEVRON.items()
    )
    return made


@dataclass(frozen=True)
class Pair:
    """Levels 11 and 20 on paper: what is between them, and how flux couples them."""

    apart_hz: float
    rate_hz: float
    """Of the exchange at full scale of the flux."""

    def kept(self, samples: tuple[float, ...], height: float, gates: int) -> complex:
        """Return what 11 has of itself behind so many pulses in their slots."""
        once = np.eye(2, dtype=complex)
        for one in samples:
            once = self._turned(self.rate_hz * height * one, 1.0) @ once
        wait_ns = rest_fs(len(samples) * 10**6) / 1e6
        once = self._turned(0.0, wait_ns) @ once
        return complex(np.linalg.matrix_power(once, gates)[0, 0])

    def _turned(self, exchange_hz: float, lasts_ns: float) -> np.ndarray:
        matrix = np.array([[0.0, exchange_hz], [exchange_hz, self.apart_hz]])
        energy, vectors = np.linalg.eigh(matrix)
        return (vectors * np.exp(-2e-9j * np.pi * lasts_ns * energy)) @ vectors.T


def played(program: Program) -> list[Play]:
    return [s for s in program.body if isinstance(s, Play) and isinstance(s.waveform, Sampled)]


def read(pair: Pair) -> Signal:
    """Return what both ends are read as."""
    kept = cache(pair.kept)

    def signal(asked: Asked) -> np.ndarray:
        program = asked.program
        pulses, axes = played(program), program.axes
        samples = pulses[0].waveform.real if pulses else ()
        swept = {v.name: [v.value(k) for k in range(a.count)] for a in axes for v in a.variables}
        height = as_set(pulses[0].amplitude) if pulses else 0.0
        heights = swept[height.variable] if isinstance(height, Affine) else [float(height)]
        left = np.array([kept(samples, one, len(pulses)) for one in heights])
        if program.name.startswith("what 11 keeps"):
            return 0.01 + 0.97 * np.abs(left) ** 2
        (phases,) = (at for name, at in swept.items() if name.endswith("_phase"))
        fringes = [np.ones_like(left), left]  # the other end in 0, and in 1
        found = np.array(
            [[[0.5 + HEAT * (one * np.exp(2j * np.pi * at)).real for at in phases]
              for one in some] for some in fringes]
        )  # fmt: skip
        return np.moveaxis(found, 0, 1).reshape(asked.shape)

    return signal


async def worked(pair: Pair, seed: int, broken: Signal | None = None) -> tuple[Outcome, Bench]:
    bench = coupler_edge.bench_of(broken or read(pair), seed, EDGE, record())
    (outcome,) = [one async for one in bring_up(bench, ("carrier_phase",))]
    return outcome, bench


@pytest.mark.parametrize("seed", sampled([3, 4], kept=[3]))
async def test_height_and_carrier_are_found_at_which_11_comes_back_with_half_a_turn(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    area_ns = LASTS_NS - 8
    pair = Pair(200e6 + rng.uniform(-0.3e6, 0.3e6), 1e9 / (area_ns * rng.uniform(0.19, 0.21)))
    outcome, bench = await worked(pair, seed)
    assert outcome.failures == {}
    assert len(outcome.panels) == 2
    found = {name.rpartition(".")[2]: one.value for name, one in bench.record.all().items()}
    samples = carrier_samples(found["carrier_frequency"], LASTS_NS)
    kept = pair.kept(samples, found["carrier_amplitude"], 1)
    assert abs(kept) ** 2 > 0.998
    assert abs(np.angle(-kept)) / (2 * np.pi) < 0.01


async def test_what_the_other_end_does_not_agree_with_is_not_stored() -> None:
    pair = Pair(200e6, 1e9 / (242 * 0.2))

    def signal(asked: Asked) -> np.ndarray:
        moved = asked.program.name == "conditional phase of 3 on q0"
        return read(replace(pair, apart_hz=200.4e6) if moved else pair)(asked)

    before = record().all()
    outcome, bench = await worked(pair, 5, signal)
    assert "measured anew on q0" in outcome.failures[EDGE.name]
    assert bench.record.all() == before


async def test_a_carrier_that_takes_nothing_from_11_is_refused() -> None:
    outcome, _ = await worked(Pair(200e6, 0.0), 6)
    assert "does not depend on the carrier's amplitude" in outcome.failures[EDGE.name]
    assert outcome.panels[0].failed


def test_it_comes_behind_the_chevron_and_before_the_phases() -> None:
    assert EDGE.played == "carrier cz"
    steps = edge_bring_up([EDGE])
    order = ["parametric_chevron", "carrier_phase", "phase_compensation", "bell_state"]
    assert [one for one in steps if one in order] == order
