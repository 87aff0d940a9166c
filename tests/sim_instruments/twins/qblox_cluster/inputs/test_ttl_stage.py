"""Triggers at the analogue inputs of a QRM, counted in windows."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS
from podium.firmware_interfaces.qblox_cluster.messages import BIN
from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    checked,
    default_configuration,
)
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import full_scale
from podium.sim_instruments.twins.qblox_cluster.inputs.ttl_stage import counted, counting, joined
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_alone
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe, SequencerRun


def run_of(program: str, **ttl: object) -> SequencerRun:
    values = default_configuration()
    values["acq"][0]["ttl"].update({"threshold": 0.5, "in": 0} | ttl)
    return SequencerRun(
        slot=2,
        sequencer=0,
        afe=Afe(MODULE_MODELS["QRM"], (), (), (0, 0), 0, (0, 0)),
        program=assemble(program),
        configuration=checked(values),
        outputs=((0,), (1,)),
        inputs=((0,), (1,)),
        waveforms={},
        weights={},
        acquisitions={0: 6},
        scope=False,
    )


def counts(run: SequencerRun, signals: list[np.ndarray]) -> tuple[list[int], tuple[str, ...]]:
    """Return what is in the bins when the windows hear these signals, in full scales."""
    windows = counting(run, run_alone(Q1Processor(run.program, run.setup())))
    assert windows is not None
    scale = full_scale(run)[0]
    assert len(windows.trains) == len(signals)
    heard = [
        CaptureAnswer(np.zeros(1, complex), signal.astype(complex) * scale) for signal in signals
    ]
    found = counted(windows, heard)
    table = found.bins[0]
    assert np.array_equal(table["valid"], table["average_count"] > 0)
    return table["average_count"].tolist(), found.flags


def pulses(*at: int, length: int = 1000) -> np.ndarray:
    signal = np.zeros(length)
    for start in at:
        signal[start : start + 20] = 0.8
    return signal


ONE = "acquire_ttl 0,2,1,1000\nacquire_ttl 0,4,0,4\nstop"
TWO = ONE.replace("stop", ONE)


def test_a_window_counts_what_rises_over_the_threshold_in_the_bin_of_its_beginning() -> None:
    found, flags = counts(run_of(ONE), [pulses(100, 300, 900)])
    assert found == [0, 0, 3, 0, 0, 0]
    assert flags == ("ACQ BINNING DONE",)


def test_what_is_above_at_the_beginning_or_stays_below_is_no_trigger() -> None:
    assert counts(run_of(ONE), [pulses(0, 500)])[0][2] == 1
    assert counts(run_of(ONE, threshold=0.9), [pulses(100)])[0][2] == 0


def test_windows_into_one_bin_add_up() -> None:
    assert counts(run_of(TWO), [pulses(100), pulses(100, 200)])[0][2] == 3


def test_with_automatic_increment_a_bin_counts_windows_with_so_many_triggers() -> None:
    run = run_of(TWO, auto_bin_incr_en=True)
    assert counts(run, [pulses(100), pulses(100, 200, 300)])[0] == [0, 0, 2, 1, 1, 0]
    found, flags = counts(run, [pulses(), pulses(*range(50, 550, 100))])
    assert found == [0, 0, 1, 1, 1, 1]
    assert "ACQ BIN INDEX INVALID" in flags


def test_the_input_is_chosen() -> None:
    assert counts(run_of(ONE, **{"in": 1}), [pulses(100)])[0][2] == 0
    assert counts(run_of(ONE, **{"in": 1}), [1j * pulses(100)])[0][2] == 1


def test_a_window_that_is_never_closed_ends_with_the_program() -> None:
    run = run_of("wait 100\nacquire_ttl 0,0,1,700\nstop")
    windows = counting(run, run_alone(Q1Processor(run.program, run.setup())))
    assert windows is not None
    (train,) = windows.trains
    assert (train.start_ns.tolist(), train.windows[0].duration_ns) == ([100], 700)
    assert train.scope


def test_without_an_input_nothing_is_heard_and_without_windows_nothing_is_counted() -> None:
    run = replace(run_of(ONE), inputs=((), ()))
    assert counts(run, [])[0] == [0] * 6
    other = run_of("acquire 0,0,4\nstop")
    assert counting(other, run_alone(Q1Processor(other.program, other.setup()))) is None


def test_windows_that_are_too_long_to_be_simulated_are_refused_in_words() -> None:
    text = "acquire_ttl 0,0,1,4\nmove 70,R0\nnop\nlong: wait 65535\nloop R0,@long\nstop"
    run = run_of(text)
    with pytest.raises(NotEmulated, match=r"slot2.sequencer0: acquire_ttl counts in 1 windows"):
        counting(run, run_alone(Q1Processor(run.program, run.setup())))


def test_bins_of_both_kinds_are_joined() -> None:
    left, right = np.zeros(2, BIN), np.zeros(2, BIN)
    left["average_count"], left["path0"] = [1, 0], [9, 0]
    right["average_count"] = [2, 0]
    both = joined({0: left}, {0: right, 1: right})
    assert both[0]["average_count"].tolist() == [3, 0]
    assert both[0]["path0"].tolist() == [9, 0]
    assert both[1] is right
    assert left["average_count"].tolist() == [1, 0]


def test_a_cluster_counts_beside_an_acquisition_and_asks_the_world_for_both() -> None:
    bench = Bench()
    signal = pulses(100, 200, length=2000)

    def play(signals):
        bench.playback.played.append(signals)
        scale = 10.0
        return tuple(
            CaptureAnswer(np.full(len(c.start_ns), 0.001 + 0j), signal * scale if c.scope else None)
            for c in signals.captures
        )

    bench.playback.play = play
    bench.twin = ClusterTwin({2: "QRM", 4: "QRM-RF"}, "7", bench.playback)
    bench.sessions = {name: bench.twin.open(name) for name in ("scpi", "slot2", "slot4")}
    values = default_configuration()
    values["acq"][0]["ttl"] = {"auto_bin_incr_en": False, "in": 0, "threshold": 0.5}
    bench.send(2, "SEQuencer1:CONFiguration", block=json_bytes(values))
    program = "acquire 0,0,2000\nacquire_ttl 0,1,1,2000\nacquire_ttl 0,0,0,4\nstop"
    bench.send(2, "SEQuencer1:PROGram", block=program.encode())
    bench.send(2, "SEQuencer1:ACQ:ALISt:ACQuisition:NEW a,2")
    bench.send(2, "SEQuencer1:ARM")
    bench.send(2, "SEQuencer1:START")
    bench.playback.release()
    assert bench.state(2, 1, T0 + 10 * US) == "OKAY;STOPPED;0;ACQ BINNING DONE,;;;"
    assert [train.scope for train in bench.playback.played[0].captures] == [False, True]
    bins = bench.bins(2, 1, T0 + 10 * US)
    assert bins["average_count"].tolist() == [1, 2]
