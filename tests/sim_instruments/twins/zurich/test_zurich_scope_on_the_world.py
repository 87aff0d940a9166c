"""The scope's records of a run that is played on the world: segments, averages, delays, rates."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, US
from tests.benches.zurich.precomputed_runs import DRIVE, READ, bench, set_up, trigger
from tests.benches.zurich.scope_on_the_world import WAVE, listen

from podium.firmware_interfaces.zurich.vector_headers import numbers_of, scaling_of
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import between

__all__ = ["bench"]
VOLTS = 10.0
"""Of a square root of a watt, at 50 ohms."""
SMALL = 1e-3
STEP = 0.005
"""Of the ramp, from sample to sample: ends are not as sharp as what lies between."""


def played(bench, **nodes):
    """Run three readouts whose traces are 1, 2, 3 and a ramp; return the trains and the record."""
    set_up(bench, DRIVE, READ)
    listen(bench, **nodes)
    scopes = []

    def play(signals):
        bench.world.signals = signals
        answers = []
        for train in signals.captures:
            size = len(train.start_ns)
            trace = None
            if train.scope:
                scopes.append(train)
                span = train.windows[0].duration_ns
                trace = SMALL * (len(scopes) + 0.01 * np.arange(span)) + 0j
            answers.append(CaptureAnswer(np.zeros(size, complex), trace, 7e9))
        return tuple(answers)

    bench.world.play = play
    trigger(bench)
    bench.world.work()
    bench.wait(100 * US)
    record = bench.get(WAVE)
    words = numbers_of(record).view("<i4").reshape(-1, 2) * scaling_of(record)
    return scopes, (words[:, 0] + 1j * words[:, 1]) / (VOLTS * SMALL)


def ramp(first, samples=64, step=1):
    half_ns = np.arange(samples * step)
    return (first + 0.01 * np.minimum(half_ns / 2, half_ns[-1] // 2))[::step]


@pytest.mark.parametrize("hz", [0.0, 40e6, -260e6, 400e6])
def test_between_the_worlds_nanoseconds_lies_what_the_band_says(hz):
    ns = np.arange(0, 200, 0.5)
    tone = np.exp(2e-9j * np.pi * hz * ns)
    found = between(tone[::2])
    assert found[::2] == pytest.approx(tone[::2])
    assert found[40:-40] == pytest.approx(tone[40:-40], abs=2e-3)


def test_one_record_is_of_the_first_trigger(bench):
    scopes, record = played(bench)
    assert len(scopes) == 1
    assert record == pytest.approx(ramp(1), abs=STEP / 4)
    assert bench.get("scopes/0/enable") == 0


def test_segments_follow_each_other(bench):
    scopes, record = played(bench, segments_enable=1, segments_count=3)
    readouts = bench.world.signals.captures[0]
    assert [int(train.start_ns[0]) for train in scopes] == readouts.start_ns.tolist()
    assert record == pytest.approx(np.concatenate([ramp(1), ramp(2), ramp(3)]), abs=STEP / 4)


def test_averages_are_of_as_many_triggers(bench):
    _, record = played(bench, averaging_enable=1, averaging_count=3)
    assert record == pytest.approx(ramp(2), abs=STEP / 4)


def test_a_delay_moves_the_record_and_a_lower_rate_leaves_samples_out(bench):
    scopes, record = played(bench, trigger_delay=100e-9, time=1)
    (readouts,) = [t for t in bench.world.signals.drives if t.line == "dev12000.qa0_out"]
    assert scopes[0].start_ns[0] - readouts.start_ns[0] == 100
    assert scopes[0].windows[0].duration_ns == 64
    assert record == pytest.approx(ramp(1, step=2), abs=STEP / 4)


def test_a_scope_that_wants_more_triggers_than_there_are_stays_enabled(bench):
    set_up(bench, DRIVE, READ)
    listen(bench, segments_enable=1, segments_count=4)
    trigger(bench)
    bench.world.work()
    assert sum(train.scope for train in bench.world.signals.captures) == 3
    bench.wait(100 * US)
    assert bench.get("scopes/0/enable") == 1
    assert bench.get(f"{READOUT}/result/acquired") == 3


def test_more_records_than_are_simulated_are_told(bench):
    set_up(bench, DRIVE, READ)
    listen(bench, averaging_enable=1, averaging_count=5000)
    trigger(bench)
    bench.wait(US)
    assert "5000 records of one run" in str(bench.get("raw/error/json/errors"))
    assert bench.get(f"{QA}/enable") == 0
