"""Signals of runs as a value change dump, read by pyvcd."""

import asyncio

import numpy as np
import pytest
from tests.benches.servers.dump_reader import read
from tests.benches.servers.playing import Player, rabi

from podium.sim_instruments.physics.digital_lines import EdgeTrain
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving
from podium.sim_instruments.servers.signal_dump import NothingPlayed, dump_runs
from podium.sim_instruments.servers.signal_log import PULSES_KEPT, RUNS_KEPT, SignalLog

START_FS = 1_767_225_637 * 10**15
NS = 10**6


def train(start_ns: list[int], sender: str = "seq0", **more: object) -> PulseTrain:
    """Pulses of two samples and a held level: 3 ns."""
    piece = Piece(6e9, np.array([0.01, 0.02j]), 0.03, 3)
    count = len(start_ns)
    turns = np.full(count, 0.25)
    return PulseTrain(
        "slot4.out0", np.array(start_ns), np.zeros(count, np.int32), turns, (piece,), sender, **more
    )


def signals(*drives: PulseTrain, run: int = 1, captures: tuple = ()) -> RunSignals:
    return RunSignals(run, START_FS, 1000, drives, captures, {})


def when(ns: int) -> int:
    return START_FS + ns * NS


def noted(*runs: RunSignals) -> SignalLog:
    log = SignalLog()
    for one in runs:
        log.note("cluster_a", one, when)
    return log


def test_samples_stand_at_their_instants_in_volts_with_the_pulses_phase() -> None:
    variables, comments = read(dump_runs(noted(signals(train([100, 103])))))
    i, q = (variables[f"cluster_a.slot4_out0.seq0.{name}"] for name in ("i_v", "q_v"))
    # a quarter of a turn: 0.01 goes to +j 0.01; into 50 ohms, peak: 10 V for each root of a watt
    for begin in (100, 103):
        assert q.at(begin * NS) == pytest.approx(0.1)
        assert i.at((begin + 1) * NS) == pytest.approx(-0.2)
        assert q.at((begin + 2) * NS) == pytest.approx(0.3)
    assert (i.at(106 * NS), q.at(106 * NS)) == (0.0, 0.0)
    on = variables["cluster_a.slot4_out0.seq0.on"]
    assert (on.rises(), on.falls()) == ([100 * NS], [106 * NS])
    assert variables["cluster_a.slot4_out0.seq0.carrier_hz"].at(100 * NS) == 6e9
    assert f"time 0 is TAI {START_FS} fs (since 1970-01-01)" in comments


def test_windows_and_edges_are_wires() -> None:
    window = Window(7e9, 40, None)
    capture = CaptureTrain(
        "slot2.in0", np.array([10, 90]), np.zeros(2, np.int32), np.zeros(2), (window,)
    )
    log = noted(signals(train([20]), captures=(capture,)))
    log.note_edges("a promise", "wrtd", EdgeTrain("out1", (when(5), when(25)), (True, False)))
    log.note_edges("later", "wrtd", EdgeTrain("out1", (when(500),), (True,)))
    variables, _ = read(dump_runs(log))
    listens = variables["cluster_a.slot2_in0.window_0"]
    assert (listens.rises(), listens.falls()) == ([10 * NS, 90 * NS], [50 * NS, 130 * NS])
    level = variables["wrtd.out1.level"]
    assert (level.rises(), level.falls()) == ([5 * NS], [25 * NS]), "what is over is not shown"


def test_a_sender_that_was_stopped_sends_no_more() -> None:
    log = noted(signals(train([100, 200, 300])))
    log.stop("cluster_a", 1, "seq0", when(201))
    variables, _ = read(dump_runs(log))
    on = variables["cluster_a.slot4_out0.seq0.on"]
    assert (on.rises(), on.falls()) == ([100 * NS, 200 * NS], [103 * NS, 201 * NS])


def test_trains_that_sound_together_stand_apart_and_what_mixers_add_is_left_out() -> None:
    spur = train([0], spur="image")
    variables, _ = read(dump_runs(noted(signals(train([1]), train([2]), spur))))
    scopes = {name.split(".")[2] for name in variables}
    assert scopes == {"seq0", "seq0_2"}


def test_few_runs_are_kept_and_few_pulses_of_each() -> None:
    starts = list(range(0, 10 * (PULSES_KEPT + 3), 10))
    log = noted(*(signals(train([k]), run=k) for k in range(RUNS_KEPT)), signals(train(starts)))
    assert [one.number for one in log.runs()] == list(range(2, RUNS_KEPT + 2))
    variables, comments = read(dump_runs(log))
    assert len(variables["cluster_a.slot4_out0.seq0.on"].rises()) == PULSES_KEPT
    assert any("3 later pulses and windows are not kept" in one for one in comments)
    with pytest.raises(NothingPlayed, match=r"kept are the latest: 2 \(cluster_a\)"):
        dump_runs(log, instrument="cluster_b")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
async def test_what_a_client_had_played_is_dumped(facility, twin_file, tmp_path) -> None:
    async with open_serving(facility, twin_file, WorldClock(ClockMode.MANUAL)) as serving:
        door = BackDoor(serving)
        with pytest.raises(BadRequest, match="no run is kept"):
            await door.do({"do": "signals"})
        with published(tmp_path / "endpoints.json", serving.endpoints()):
            player = await asyncio.to_thread(Player, facility, tmp_path / "endpoints.json")
            program = rabi(qubits=("q0",), points=2, shots=3)
            await asyncio.to_thread(player.play, program)
            await asyncio.to_thread(player.driver.close)
        variables, _ = read(await door.do({"do": "signals"}))
        records = serving.laboratory.played.since()
    # Six shots: the first point drives nothing; the output log has the same instants.
    (drive,) = [one for name, one in variables.items() if "slot4_out0" in name and ".on" in name]
    (logged,) = [one for one in records if one.connector == "slot4.out0"]
    origin_fs = drive.rises()[0] - logged.at_fs[0]
    assert [at - origin_fs for at in drive.rises()] == list(logged.at_fs)
    (window,) = [one for name, one in variables.items() if ".window_" in name]
    assert len(window.rises()) == 6
    assert {b - a for a, b in zip(window.rises(), window.falls(), strict=True)} == {1000 * NS}
    i, q = (
        next(one for name, one in variables.items() if "slot4_out0" in name and name.endswith(end))
        for end in ("i_v", "q_v")
    )
    begin = drive.rises()[-1]
    heights = [np.hypot(i.at(begin + k * NS), q.at(begin + k * NS)) for k in range(40)]
    # sigma 10 ns, cut off at two sigmas, from where it rises
    gaussian = np.exp(-0.5 * ((np.arange(40) - 19.5) / 10) ** 2) - np.exp(-2.0)
    np.testing.assert_allclose(heights / np.max(heights), gaussian / gaussian.max(), atol=2e-3)
