"""Readout, feedback and a conditional pulse between the two sequencers of an SHFQC."""

import numpy as np
import pytest
from tests.benches.zurich.direct_results import integrate, result_inputs
from tests.benches.zurich.processor import processor

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import (
    ReadoutSettings,
    discriminate,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import readouts
from podium.sim_instruments.twins.zurich.sequencer.processor import Input
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CHOSEN,
    CYCLE,
    Kind,
    Row,
    Source,
    Status,
)

LENGTH, DELAY, SHOTS, PERIOD = 800, 200, 6, 20_000


@pytest.mark.parametrize("pattern", [(0, 1, 1, 0, 1, 0), (1, 1, 1, 1, 1, 1)])
def test_a_pulse_is_played_where_the_state_was_excited(pattern):
    triggers = [Input(1000 + PERIOD * k, Source.DIGITAL_1) for k in range(SHOTS)]
    reader = processor(
        f"repeat ({SHOTS}) {{ waitDigTrigger(1); startQA(QA_GEN_0, QA_INT_0 | QA_INT_1);"
        "playZero(2048); }",
        "SHFQA4",
    )
    reader.feed(triggers)
    started = readouts(reader.run())
    settings = ReadoutSettings(LENGTH, DELAY, (np.ones(LENGTH) + 0j,) * 2, (0.0, 0.0))
    # The second integrator sees the opposite: a mask has to pick its bit.
    levels = np.array(pattern)[:, None] * 2.0 - 1
    records = np.repeat(levels, DELAY + LENGTH, axis=1).astype(complex)
    results = integrate(records, settings) * np.array([1, -1])
    states = discriminate(results, settings)
    assert states[:, 0].tolist() == list(pattern)

    # A play behind the wait for a trigger begins a cycle after it: there both count from.
    starts = [(one.time + 7) // CYCLE * CYCLE + CYCLE for one in triggers]
    latency = feedback_cycles(Route.INTERNAL, int(started.time[0]) - starts[0] + DELAY + LENGTH)
    entries = [
        {"index": 0, "waveform": {"playZero": True, "length": 64}},
        {"index": 1, "waveform": {"index": 0}},
    ]
    player = processor(
        "wave pi = gauss(64, 1.0, 32, 8); assignWaveIndex(1, 2, pi, 0);"
        "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0);"
        f"repeat ({SHOTS}) {{ waitDigTrigger(1); playZero(512);"
        f"executeTableEntry(QA_DATA_PROCESSED, {latency}); }}",
        "SHFQC",
        entries,
    )
    heard = [
        one
        for shot, start in enumerate(starts)
        for one in result_inputs(
            _part(started, shot), states[[shot]], settings, Route.INTERNAL, start
        )
    ]
    inputs = sorted([*triggers, *heard], key=lambda one: one.time)
    # Results become known while the program runs, as from another world.
    for known in range(0, PERIOD * SHOTS + PERIOD, 5000):
        player.feed([one for one in inputs if known - 5000 < one.time <= known])
        trace = player.run(until=known, known=known)
    assert trace.status is Status.ENDED
    pulses = trace.kinds(Kind.WAVE)
    excited = [start for start, state in zip(starts, pattern, strict=True) if state]
    assert len(pulses) == len(excited)
    assert trace.late == 0
    after = pulses[:, Row.TIME] - np.array(excited)
    assert set(after.tolist()) == {latency * CYCLE + CHOSEN}


def _part(started, shot):
    return type(started)(*(getattr(started, name)[[shot]] for name in started.__dataclass_fields__))
