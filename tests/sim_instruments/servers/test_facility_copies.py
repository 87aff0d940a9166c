"""Copies of a running facility: forks that go their own way, saved ones that wait."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.benches.servers.playing import Player, rabi
from tests.benches.servers.socket_client import ramp

from podium.control import cli
from podium.sim_instruments.servers import facility_copies
from podium.sim_instruments.servers.back_door import BadRequest
from podium.sim_instruments.servers.back_door_client import BackDoorError, ask_at
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.facility_copies import CopyPlan, make_copy
from podium.sim_instruments.testing import TwinFacility, TwinInstrument, TwinPool, TwinRefused

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
WITHIN_S = 60
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


@pytest.fixture
def lab(pool: TwinPool, twin_file: Path) -> Iterator[TwinFacility]:
    with pool.facility(EXAMPLE, twin=twin_file, clock="manual") as lab:
        yield lab


def say(instrument: TwinInstrument, message: bytes, slot: int = 0) -> bytes:
    """Send a message over a connection of its own; return all that is answered."""
    port = instrument.ports["module_scpi_base"] + slot if slot else instrument.port
    with socket.create_connection((instrument.host, port), WITHIN_S) as connection:
        connection.sendall(message + b"*OPC?\n")
        with connection.makefile("rb") as lines:
            heard: list[bytes] = []
            while (line := lines.readline()).strip() != b"1":
                heard.append(line)
            return b"".join(heard)


def player(lab: TwinFacility, folder: Path) -> Player:
    file = folder / f"{lab.pid}.json"
    file.write_text(json.dumps(lab.endpoints))
    return Player(EXAMPLE, file)


def visit(lab: TwinFacility, folder: Path, shots: int) -> dict[str, Any]:
    """Do what a client does; return all that it has heard."""
    client = player(lab, folder)
    try:
        heard: dict[str, Any] = {"begin": client.driver.now()}
        heard |= client.play(rabi(qubits=("q0", "q1"), points=2, shots=shots))
        heard["end"] = client.driver.now()
    finally:
        client.driver.close()
    source = lab["bias_q0"]
    heard["source"] = say(source, b"*IDN?\n:SOUR:LEV?\n:SOUR:LEV 0.1\n:SOUR:LEV?\n")
    heard["time"] = lab.time_s()
    return heard


def ended(pid: int) -> bool:
    """Tell whether a process ends, within a while."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        os.sched_yield()
    return False


def test_the_same_commands_give_the_same_bytes_on_a_fork(lab, tmp_path) -> None:
    before = visit(lab, tmp_path, shots=20)
    with lab.fork() as fork, fork.fork() as second:
        places = {
            (one.host, one.port)
            for each in (lab, fork, second)
            for one in each.instruments.values()
        }
        assert len(places) == 3 * len(lab.instruments)
        assert fork.log == lab.log
        heard = [visit(each, tmp_path, shots=30) for each in (fork, lab, second)]
        truths = [each.truth for each in (fork, lab, second)]
    for other in heard[1:]:
        assert other.keys() == heard[0].keys()
        for what, value in heard[0].items():
            np.testing.assert_array_equal(value, other[what], err_msg=what)
    assert truths[0] == truths[1] == truths[2]
    assert not np.array_equal(before["q0"], heard[0]["q0"][:20]), "noise is drawn anew"


def test_what_is_done_to_one_is_not_done_to_the_other(pool: TwinPool, twin_file: Path) -> None:
    f01 = "node_a.q0.f01"
    with pool.facility(EXAMPLE, twin=twin_file, clock="paced") as lab:
        at_rest_hz = lab.truth[f01]
        source = lab["bias_q0"]
        with socket.create_connection((source.host, source.port), WITHIN_S) as connection:
            connection.sendall(ramp(1000.0) + b"*IDN?\n")
            connection.recv(1000)
        lab.advance(500.0)
        with lab.fork() as fork:
            fork.advance(1000.0)
            end_hz = fork.truth[f01]
            half_way_hz = lab.truth[f01]
            assert abs(at_rest_hz - half_way_hz) > 1e6
            assert abs(half_way_hz - end_hz) > 1e6
            lab.advance(1000.0)
            assert lab.truth[f01] == end_hz
            fork.fault("halve", "bias_q0")
            with fork.fork() as second:
                for one, answer in ((lab, b"YOKOGAWA,GS2"), (second, b"YOKOGAWA")):
                    place = one["bias_q0"].host, one["bias_q0"].port
                    with socket.create_connection(place, WITHIN_S) as connection:
                        connection.sendall(b"*IDN?\n")
                        heard = connection.recv(1000)
                    assert heard.startswith(answer)
                    assert heard.endswith(b"\n") == (one is lab), "half an answer"
    with pytest.raises(TwinRefused, match="ended with the test"):
        fork.time_s()


def test_a_client_of_the_original_notices_nothing(lab) -> None:
    source = lab["bias_q0"]
    with socket.create_connection((source.host, source.port), WITHIN_S) as connection:
        lines = connection.makefile("rb")
        for _ in range(2):
            with lab.fork() as fork:
                pid = fork.pid
                connection.sendall(b"*IDN?\n")
                assert lines.readline().startswith(b"YOKOGAWA,GS2")
            assert ended(pid)
        connection.sendall(b"*IDN?\n")
        assert lines.readline().startswith(b"YOKOGAWA,GS2")
        lines.close()


def test_an_armed_instrument_is_copied_armed(lab, tmp_path) -> None:
    client = player(lab, tmp_path)
    try:
        (artifact,) = artifacts(client)
        client.driver.load(artifact)
        client.driver.arm()
        asked = b"SEQuencer0:STATE?\n"
        with lab.fork() as fork:
            states = [say(each["cluster_a"], asked, slot=4) for each in (lab, fork)]
            assert states[0] == states[1]
            assert b"ARMED" in states[0]
            for slot in (2, 4):
                say(fork["cluster_a"], b"SEQuencer0:STARt\n", slot)
            assert b"ARMED" not in say(fork["cluster_a"], asked, slot=4)
            assert b"ARMED" in say(lab["cluster_a"], asked, slot=4)
    finally:
        client.driver.close()


def artifacts(client: Player) -> list[Any]:
    from podium.control.families.family import compiler_for

    return list(compiler_for(client.facility)(rabi(qubits=("q0",), shots=2)).values())


def test_a_saved_copy_stands_still_until_it_is_forked_and_ends_with_its_file(
    pool: TwinPool, tmp_path, capsys
) -> None:
    file, forked = tmp_path / "then.copy", tmp_path / "fork.json"
    with pool.instrument("yokogawa_gs200", clock="leap") as source:
        say(source, b":SOUR:LEV 0.25\n")
        told = source.facility._ask({"do": "save", "file": str(file)})
        say(source, b":SOUR:LEV 0.5\n")
        source.advance("3 h")
        with pytest.raises(TwinRefused, match="is there already"):
            source.facility._ask({"do": "save", "file": str(file)})
        saved = [ask_at(file, {"do": "time"}) for _ in range(2)]
        assert saved[0] == saved[1]
        assert saved[0]["tai_s"] == told["tai_s"]
        with pytest.raises(BackDoorError, match="knows"):
            ask_at(file, {"do": "advance", "seconds": 1})
        wrong = tmp_path / "wrong"
        wrong.write_text(json.dumps(json.loads(file.read_text()) | {"token": "1"}))
        with pytest.raises(BackDoorError, match="the token is missing"):
            ask_at(wrong, {"do": "fork", "file": str(forked)})
        assert cli.main(["twin", "fork", str(file), "--endpoints", str(forked), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["endpoints"] == json.loads(forked.read_text())
        (entry,) = answer["endpoints"]["instruments"].values()
        host, port = entry["visa"].split("::")[1:3]
        with socket.create_connection((host, int(port)), WITHIN_S) as connection:
            connection.sendall(b":SOUR:LEV?\n")
            assert float(connection.recv(100)) == 0.25
        door = Path(f"{forked}.back_door")
        assert ask_at(door, {"do": "time"})["tai_s"] - told["tai_s"] < 600
        forked.unlink()
        assert ended(answer["pid"])
        assert not door.exists()
        file.unlink()
        assert ended(told["pid"])
        assert not list(tmp_path.glob("*.log"))


def test_a_fork_that_is_bound_ends_with_the_process_of_the_test(tmp_path) -> None:
    with TwinPool() as pool, pool.instrument("yokogawa_gs200") as source:
        request = {"do": "fork", "file": str(tmp_path / "e.json"), "bound": True}
        pid = source.facility._ask(request)["pid"]
        os.kill(source.facility.pid, 9)
        assert ended(pid)


async def test_what_is_being_computed_is_not_copied(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(facility_copies, "RESTS_WITHIN_S", 0.0)
    clock = WorldClock(ClockMode.MANUAL)
    horizon = SimpleNamespace(computing=True)
    twins = {"cluster_a": SimpleNamespace(horizon=lambda now_fs: horizon)}
    kernels, workers = SimpleNamespace(is_open=True), SimpleNamespace(at_rest=True)
    laboratory = SimpleNamespace(twins=twins, workers=workers, kernels=kernels)
    serving: Any = SimpleNamespace(
        laboratory=laboratory,
        in_threads=0,
        poll=lambda: None,
        timekeeper=SimpleNamespace(clock=clock),
    )
    plan = CopyPlan(tmp_path / "x", saved=True, bound=False)
    with pytest.raises(BadRequest, match="what cluster_a plays is being computed"):
        await make_copy(serving, plan)
    horizon.computing, serving.in_threads = False, 1
    with pytest.raises(BadRequest, match="what the laboratory plays is being computed"):
        await make_copy(serving, plan)
    laboratory.kernels.is_open = False
    with pytest.raises(BadRequest, match="kernels are being compiled"):
        await make_copy(serving, plan)
    with pytest.raises(BadRequest, match="there is no such folder"):
        await make_copy(serving, CopyPlan(tmp_path / "none" / "x", saved=True, bound=False))
    await asyncio.sleep(0)
