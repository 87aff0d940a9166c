"""Twins for tests: a world of its own for each test, in processes that are used again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from podium.sim_instruments.testing import (
    TwinFacility,
    TwinInstrument,
    TwinPool,
    TwinProcessFailed,
    TwinRefused,
    UnknownCommands,
    twin_instrument,
)

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
WITHIN_S = 60


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinPool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with TwinPool() as pool:
            yield pool


def ask(twin: TwinInstrument, message: bytes, port: int | None = None) -> bytes:
    with socket.create_connection((twin.host, port or twin.port), WITHIN_S) as connection:
        connection.sendall(message)
        return connection.recv(1000)


def test_a_virtual_cluster_has_an_address_a_truth_and_a_log(pool: TwinPool) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=2) as cluster:
        assert ask(cluster, b"*IDN?\n").startswith(b"Qblox,Cluster MM")
        assert b"QCM" in ask(cluster, b"*IDN?\n", cluster.ports["module_scpi_base"] + 4)
        assert (cluster.name, cluster.model) == ("cluster", "qblox_cluster")
        assert f"Cluster('cluster', '{cluster.host}')" in cluster.connect
        assert cluster.truth.keys() >= {"node_a.q0.f01", "node_a.q2.t1"}
        assert "node_a.q0.assignment_fidelity" not in cluster.truth
        assert 3e9 < cluster.truth["node_a.q1.f01"] < 6.5e9
        assert [(one.port, one.text, one.verdict) for one in cluster.log] == [
            ("scpi", "*IDN?", "known"),
            ("slot4", "*IDN?", "known"),
        ]
        cluster.facility.check()


def test_the_same_seed_is_the_same_world_and_another_is_another(pool: TwinPool) -> None:
    def truth(seed: int) -> dict[str, float]:
        with pool.instrument("qblox_cluster", chip="krinner2022", qubits=1, seed=seed) as twin:
            return twin.truth

    assert truth(3) == truth(3) != truth(4)


def test_a_world_forgets_all_that_the_test_before_has_done(pool: TwinPool) -> None:
    with pool.instrument("yokogawa_gs200") as source:
        assert float(ask(source, b":SOUR:LEV 0.5;:SOUR:LEV?\n")) == 0.5
        source.fault("freeze")
        source.advance("3 h")
        assert source.facility.time_s() == pytest.approx(10_800, abs=60)
        gone = source.host, source.port
    with pool.instrument("yokogawa_gs200") as source:
        assert source.log == ()
        assert float(ask(source, b":SOUR:LEV?\n")) == 0
        assert source.facility.time_s() < 60
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(gone, WITHIN_S)


def test_clients_that_were_left_open_are_cut_off(pool: TwinPool) -> None:
    with pool.instrument("yokogawa_gs200") as source:
        client = socket.create_connection((source.host, source.port), WITHIN_S)
        client.sendall(b"*IDN?\n")
        assert client.recv(100)
    with client:
        client.settimeout(WITHIN_S)
        assert client.recv(100) == b""


def test_one_process_serves_one_test_after_the_other(pool: TwinPool) -> None:
    pids = set()
    for _ in range(3):
        with pool.instrument("lakeshore_372") as twin:
            pids.add(twin.facility.pid)
    assert len(pids) == 1


def test_two_at_once_are_two_worlds(pool: TwinPool) -> None:
    with pool.instrument("yokogawa_gs200") as one, pool.instrument("yokogawa_gs200") as other:
        assert one.host != other.host
        ask(one, b":SOUR:LEV 0.5;*OPC?\n")
        assert float(ask(other, b":SOUR:LEV?\n")) == 0
        one.advance(1000)
        assert other.facility.time_s() < 100


def test_a_facility_file_is_served_with_all_its_instruments(pool: TwinPool) -> None:
    with pool.facility(EXAMPLE, seed=1, clock="manual") as facility:
        assert list(facility.instruments) == ["cluster_a", "thermometry_a", "bias_q0", "lo_q2"]
        assert isinstance(facility, TwinFacility)
        assert ask(facility["lo_q2"], b"*IDN?\n").startswith(b"Rohde&Schwarz,SGS100A")
        facility.fault("warm", "fridge_a")
        with pytest.raises(KeyError, match="no instrument 'lo_q1'; there are cluster_a, "):
            facility["lo_q1"]


def test_commands_that_no_such_instrument_knows_are_told_and_may_fail_the_test(
    pool: TwinPool,
) -> None:
    with pool.instrument("yokogawa_gs200") as source:
        ask(source, b":SOUR:LEV 99;:SOUR:LEVL 1;*IDN?\n")
        verdicts = {one.text: one.verdict for one in source.log}
        assert verdicts == {
            ":SOUR:LEV 99": "refused",
            ":SOUR:LEVL 1": "unknown",
            "*IDN?": "known",
        }
        assert [one.text for one in source.unknown] == [":SOUR:LEVL 1"]

    def sends_nonsense() -> None:
        with pool.instrument("yokogawa_gs200", strict=True) as source:
            ask(source, b":SOUR:LEVL 1;*IDN?\n")

    with pytest.raises(UnknownCommands) as told:
        sends_nonsense()
    assert str(told.value) == (
        "1 command that no such instrument knows (seed 0):\n  source scpi: :SOUR:LEVL 1"
    )


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (lambda twin: twin.fault("burn"), "there is no fault 'burn'; there are unplug, "),
        (lambda twin: twin.fault("freeze", on="q0"), "freeze wants one instrument of source, "),
        (lambda twin: twin.advance("tomorrow"), "a time like 3h, 10 min, 2.5 s is wanted"),
        (lambda twin: twin.advance(-1), "from 0 up, not -1"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_world_stays(pool: TwinPool, does, says) -> None:
    with pool.instrument("yokogawa_gs200") as source:
        with pytest.raises(TwinRefused) as refused:
            does(source)
        assert says in str(refused.value)
        assert ask(source, b"*IDN?\n").startswith(b"YOKOGAWA")


def test_words_that_make_no_facility_are_refused_and_the_process_is_used_again(
    pool: TwinPool, tmp_path: Path
) -> None:
    with pytest.raises(TwinRefused, match="no chip 'x'"), pool.instrument("zurich", chip="x"):
        pass
    nothing = tmp_path / "nothing.yaml"
    with pytest.raises(TwinRefused, match="No such file"), pool.facility(nothing):
        pass
    with pool.instrument("srs_fs725") as standard:
        assert standard.visa is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"seed": -1}, "a seed is a whole number from 0 up, not -1"),
        ({"seed": "a"}, "a seed is a whole number from 0 up, not 'a'"),
        ({"clock": "slow"}, "a clock is one of leap, paced, manual, not 'slow'"),
        ({"chip": "krinner2022", "qubits": "3"}, "a number of qubits is wanted, not '3'"),
        ({"chip": "krinner2022", "qubits": 0}, "qubits"),
        ({"options": {"modules": {2: "QXM"}}}, "there is no 'QXM'; there are QRM-RF, QCM-RF"),
    ],
)
def test_words_of_the_wrong_kind_are_refused(pool: TwinPool, words, says) -> None:
    with pytest.raises(TwinRefused) as refused, pool.instrument("qblox_cluster", **words):
        pass
    assert says in str(refused.value)


def test_a_twin_that_is_kept_beyond_its_end_never_tells_of_another_world(pool: TwinPool) -> None:
    with pool.instrument("yokogawa_gs200") as kept:
        pass
    with pool.instrument("yokogawa_gs200") as another:
        ask(another, b"*IDN?\n")
        with pytest.raises(TwinRefused, match="source ended with the test"):
            _ = kept.log
        assert "ended with the test" in kept.facility.story()


def test_a_process_that_dies_is_told_with_its_last_words_and_replaced(pool: TwinPool) -> None:
    with pool.instrument("yokogawa_gs200") as source:
        os.kill(source.facility.pid, signal.SIGKILL)
        with pytest.raises(TwinProcessFailed, match="the process of the twins ended"):
            source.advance(1)
    with pool.instrument("yokogawa_gs200") as source:
        assert ask(source, b"*IDN?\n").startswith(b"YOKOGAWA")


def test_nothing_is_left_of_a_context_manager() -> None:
    with twin_instrument("yokogawa_gs200") as source:
        process = psutil.Process(source.facility.pid)
        place = source.host, source.port
    assert not process.is_running()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, WITHIN_S)


ORPHANS = """
import os
from podium.sim_instruments.testing import TwinPool
pool = TwinPool()
source = pool.instrument("yokogawa_gs200").__enter__()
print(source.facility.pid, flush=True)
if os.fork() == 0:  # it holds the pipe to the twins open
    os.close(1)
    os.read(0, 1)
    os._exit(0)
os._exit(1)
"""


def test_twins_end_with_who_started_them_even_if_a_child_of_theirs_goes_on() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        twins = psutil.Process(int(parent.stdout.readline()))
        parent.wait(WITHIN_S)
        twins.wait(WITHIN_S)
        assert not twins.is_running()
