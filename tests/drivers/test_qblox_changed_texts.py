"""A program that differs in its texts from what was loaded, played in three packets a module."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.driver_bench import DRIVE, POINTS, PROGRAM, SHOTS, connect

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qblox_cluster import QbloxCluster
from podium.drivers.qblox_cluster.changed_texts import StartedPlay
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


@pytest.fixture(scope="module")
def connected(shared_cluster_server) -> Iterator[QbloxCluster]:
    driver = connect(shared_cluster_server)
    yield driver
    driver.close()


@pytest.fixture
def server(shared_cluster_server) -> Iterator:
    shared_cluster_server.as_new()
    yield shared_cluster_server
    shared_cluster_server.as_new()


@pytest.fixture
def cluster(server, connected) -> QbloxCluster:
    return connected


def with_gain(gain: int, slot: int = 4) -> ClusterProgram:
    return with_text(
        f"set_mrk 2\nwait_sync 4\nset_awg_gain {gain},{gain}\nplay 0,0,100\nstop", slot
    )


def with_text(text: str, slot: int = 4) -> ClusterProgram:
    entries = tuple(
        replace(one, text=text) if one.slot == slot else one for one in PROGRAM.sequencers
    )
    return replace(PROGRAM, sequencers=entries)


def nothing() -> None:
    pass


def fire(cluster: QbloxCluster, program: ClusterProgram, go_on=nothing):
    return cluster.play_at_once(program, program.duration_fs * 1e-15, go_on)


def test_it_plays_what_its_steps_would_play(server, cluster) -> None:
    cluster.load(with_gain(9000))
    cluster.arm()
    cluster.start()
    cluster.wait(1.0)
    wanted = cluster.collect()["q0"]
    steps = server.world.played[-1].drives
    fire(cluster, PROGRAM)
    started, data = fire(cluster, with_gain(9000))
    np.testing.assert_array_equal(data["q0"].counts, np.full(POINTS, SHOTS))
    np.testing.assert_array_equal(data["q0"].i, wanted.i)
    np.testing.assert_array_equal(data["q0"].q, wanted.q)
    assert {one.line for one in server.world.played[-1].drives} == {one.line for one in steps}
    assert started < cluster.now()


def test_only_changed_texts_go_out_and_each_step_is_sent_once(server, cluster) -> None:
    fire(cluster, PROGRAM)
    server.commands()
    fire(cluster, with_gain(5000))
    sent = [one.strip() for one in server.commands()]
    assert len([one for one in sent if ":PROGram" in one]) == 1
    for verb in ("ARM", "START"):
        assert len([one for one in sent if one.endswith(f":{verb}")]) == len(PROGRAM.sequencers)


def test_what_ends_when_it_should_brings_its_bins_with_its_end(server, cluster) -> None:
    fire(cluster, PROGRAM)
    cluster._punctual = True
    _, data = fire(cluster, with_gain(7000))
    np.testing.assert_array_equal(data["q0"].counts, np.full(POINTS, SHOTS))


def test_an_allowance_delays_no_first_question(server, cluster, monkeypatch) -> None:
    asked: list[tuple[float, bool]] = []
    finish = StartedPlay.finish

    def noted(play, began_s, duration_s, read, *others):
        asked.append((duration_s, bool(read)))
        return finish(play, began_s, duration_s, read, *others)

    monkeypatch.setattr(StartedPlay, "finish", noted)
    fire(cluster, PROGRAM)
    cluster._punctual = True
    cluster.play_at_once(with_gain(7000), 10.0, nothing)
    assert asked[-1] == (PROGRAM.duration_fs * 1e-15, True)


def test_a_text_that_does_not_assemble_is_refused_in_words_and_nothing_plays(
    server, cluster
) -> None:
    fire(cluster, PROGRAM)
    played = len(server.world.played)
    with pytest.raises(Refused, match=r"slot4\.sequencer1 \(frame 4\.1\)(.|\n)*frobnicate"):
        fire(cluster, with_text("frobnicate R0\nstop"))
    assert len(server.world.played) == played
    _, data = fire(cluster, with_gain(7000))
    assert data["q0"].counts.sum() == SHOTS * POINTS


def test_a_run_that_is_given_up_before_its_start_plays_nothing(server, cluster) -> None:
    fire(cluster, PROGRAM)
    played = len(server.world.played)

    def given_up() -> None:
        raise Refused("given up")

    with pytest.raises(Refused, match="given up"):
        fire(cluster, with_gain(3000), given_up)
    assert len(server.world.played) == played
    cluster.safe()
    _, data = fire(cluster, with_gain(7000))
    assert data["q0"].counts.sum() == SHOTS * POINTS


def test_an_error_that_another_client_has_left_does_not_fail_it(server, cluster) -> None:
    fire(cluster, PROGRAM)
    with socket.create_connection((server.host, server.ports["scpi"])) as stranger:
        stranger.sendall(b"NONSENSE\n*IDN?\n")
        stranger.recv(1000)
    _, data = fire(cluster, with_gain(4000))
    assert data["q0"].counts.sum() == SHOTS * POINTS


def test_a_sequencer_that_fails_while_it_plays_is_no_data(server, cluster) -> None:
    fire(cluster, PROGRAM)
    for punctual in (True, False):
        cluster._punctual = punctual
        with pytest.raises(ProtocolError, match=r"slot4\.sequencer1"):
            fire(cluster, with_text("set_mrk 2\nwait_sync 4\nplay 99,99,100\nstop"))


def test_closed_from_another_thread_it_raises(cluster_server) -> None:
    cluster = connect(cluster_server)
    fire(cluster, PROGRAM)
    closing = threading.Thread(target=cluster.close)

    def go_on() -> None:
        closing.start()
        closing.join()

    with pytest.raises(Unreachable):
        fire(cluster, with_text(DRIVE.replace("100", "104")), go_on)
