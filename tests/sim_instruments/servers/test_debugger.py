"""Breakpoints in programs of unmodified clients, over sockets."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.servers.playing import Player, rabi
from tests.benches.thoroughness import sampled

from podium.control import cli
from podium.control.families.family import compiler_for
from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.servers import back_door_client
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.debugger import Debugger
from podium.sim_instruments.testing import StoppedSequencer, TwinFacility, TwinPool, TwinRefused

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
WITHIN_S = 60
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
PROGRAM = rabi(qubits=("q0",), points=2, shots=3)


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


@pytest.fixture(params=sampled(["manual", "leap"], kept=["leap"]))
def lab(pool: TwinPool, twin_file: Path, request: Any) -> Iterator[TwinFacility]:
    with pool.facility(EXAMPLE, twin=twin_file, clock=request.param) as lab:
        yield lab


@pytest.fixture
def client(lab: TwinFacility, tmp_path: Path) -> Iterator[Player]:
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps(lab.endpoints))
    client = Player(EXAMPLE, file)
    try:
        yield client
    finally:
        client.driver.close()


def line_of(client: Player, slot: int, word: str) -> int:
    """Return the first line of a sequencer's program that has a word."""
    (artifact,) = compiler_for(client.facility)(PROGRAM).values()
    (text,) = [one.text for one in artifact.sequencers if one.slot == slot]
    return next(n for n, line in enumerate(text.splitlines(), 1) if word in line)


def next_stop(lab: TwinFacility, before: StoppedSequencer | None) -> tuple[StoppedSequencer, ...]:
    """Return what stands at a breakpoint, once it is another stop than the one before."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        found = lab.stopped(WITHIN_S)
        there = [(one.line, one.time_ns) for one in found]
        if found and (before is None or there != [(before.line, before.time_ns)]):
            return found
    return ()


def played(client: Player, found: dict[str, Any]) -> None:
    try:
        found |= client.play(PROGRAM)
    except Exception as error:
        found["error"] = error


def test_a_run_stops_at_a_line_and_goes_on_as_if_it_had_not(lab, client) -> None:
    with lab.fork() as fork:
        file = Path(client_file := fork._process._file).with_name("client.json")
        assert client_file
        file.write_text(json.dumps(fork.endpoints))
        other = Player(EXAMPLE, file)
        expected = other.play(PROGRAM)
        other.driver.close()
    line = line_of(client, 4, "play")
    lab.break_at("slot4.sequencer0", line=line)
    found: dict[str, Any] = {}
    running = threading.Thread(target=played, args=(client, found))
    running.start()
    try:
        (one,) = lab.stopped(WITHIN_S)
        assert (one.instrument, one.sequencer, one.line) == ("cluster_a", "slot4.seq0", line)
        assert one.instruction.startswith("play")
        times = [lab.time_s() for _ in range(2)]
        assert times[0] == times[1], "world time stands still"
        with pytest.raises(TwinRefused, match="is being computed"), lab.fork():
            pass
        (after,) = lab.step()
        assert after.line > line
        assert after.played[-1]["what"] == "play"
        lab.go_on()
        (again,) = next_stop(lab, after)
        assert again.line == line
        assert again.time_ns - one.time_ns > 50_000, "the next shot"
        lab.clear_breakpoints()
    finally:
        lab.clear_breakpoints()
        running.join(WITHIN_S)
    assert "error" not in found, found
    np.testing.assert_array_equal(found["q0"], expected["q0"])
    assert lab.stopped(0.0) == ()


def test_a_stop_takes_less_than_a_tenth_of_a_second(lab, client) -> None:
    client.play(PROGRAM)
    lab.break_at("slot2.seq0", when="time >= 60000")
    (artifact,) = compiler_for(client.facility)(PROGRAM).values()
    client.driver.load(artifact)
    client.driver.arm()
    begun_s = time.perf_counter()
    client.driver.start()
    (one,) = lab.stopped(WITHIN_S)
    spent_s = time.perf_counter() - begun_s
    assert one.time_ns >= 60_000
    assert spent_s < 2.0, "an idle machine: 0.1 s"
    lab.clear_breakpoints()


def test_what_cannot_be_stopped_is_refused(lab) -> None:
    def refused(said: str, *words: Any, **more: Any) -> None:
        with pytest.raises(TwinRefused, match=said):
            lab.break_at(*words, **more)

    refused("is no sequencer like slot2.seq0; there are slot2", "slot3.seq0", line=1)
    refused("is no sequencer", "slot2.seq6", line=1)
    refused("a condition is like", "slot2.seq0", when="R1 is 5")
    refused("wants a line, or a condition", "slot2.seq0")
    refused("no instrument here whose programs can be stopped", "x", line=1, on="bias_q0")
    with pytest.raises(TwinRefused, match="one sequencer that stands at a breakpoint is wanted"):
        lab.go_on()


def test_the_qubits_are_shown_as_they_are_by_then(pool, twin_file, tmp_path) -> None:
    with pool.facility(EXAMPLE, twin=twin_file, clock="manual") as lab:
        file = tmp_path / "endpoints.json"
        file.write_text(json.dumps(lab.endpoints))
        client = Player(EXAMPLE, file)
        lab.break_at("slot2.seq0", line=line_of(client, 2, "acquire"))
        found: dict[str, Any] = {}
        running = threading.Thread(target=played, args=(client, found))
        running.start()
        shares: list[tuple[float, ...]] = []
        try:
            one = None
            for _ in range(4):
                (one,) = next_stop(lab, one)
                assert one.populations.keys() == {"node_a.q0", "node_a.q1", "node_a.q2"}
                shares.append(one.populations["node_a.q0"])
                lab.go_on()
        finally:
            lab.clear_breakpoints()
            running.join(WITHIN_S)
            client.driver.close()
    assert "error" not in found, found
    for each in shares:
        assert sum(each) == pytest.approx(1.0, abs=1e-6)
    at_rest, driven, after_reading_1, driven_again = (each[1] for each in shares)
    assert at_rest < 0.01
    assert driven > 0.7, "by the second point's pulse"
    # 50 us after a reading; the other pulse turns it as far again
    assert at_rest <= after_reading_1 < 0.4
    assert driven_again > 0.6


def test_the_command_line_stops_looks_and_goes_on(
    pool, twin_file, tmp_path, capsys, monkeypatch
) -> None:
    with pool.facility(EXAMPLE, twin=twin_file, clock="leap") as lab:

        def asked(endpoints: Path, request: dict[str, Any]) -> Any:
            try:
                return lab._ask(request)
            except TwinRefused as error:
                raise back_door_client.BackDoorError(str(error)) from error

        monkeypatch.setattr(back_door_client, "ask", asked)

        def debug(*words: str) -> int:
            return cli.main(["twin", "debug", *words, "--endpoints", "endpoints.json"])

        file = tmp_path / "endpoints.json"
        file.write_text(json.dumps(lab.endpoints))
        client = Player(EXAMPLE, file)
        line = line_of(client, 2, "acquire")
        assert debug("break", "slot2.seq0", "--line", str(line)) == 0
        assert "cluster_a.slot2.seq0 stops there" in capsys.readouterr().out
        assert debug("wait", "--within", "0") == 1
        assert "nothing stood at a breakpoint within 0 s" in capsys.readouterr().err
        assert debug("list") == 0
        assert capsys.readouterr().out == f"cluster_a.slot2.seq0: line {line}\n"
        running = threading.Thread(target=played, args=(client, {}))
        running.start()
        try:
            assert debug("wait") == 0
            out = capsys.readouterr().out
            assert f"cluster_a.slot2.seq0 before line {line}: acquire" in out
            assert "node_a.q0: P(0) " in out
            assert debug("step", "--json") == 0
            (one,) = json.loads(capsys.readouterr().out)
            assert one["played"][-1]["what"] == "acquire"
            assert debug("go") == 0
            assert debug("go", "--line", "3") == 2
            assert "--line and --when go with break" in capsys.readouterr().err
        finally:
            assert debug("clear") == 0
            running.join(WITHIN_S)
            client.driver.close()


def test_a_run_that_is_begun_anew_takes_the_place_of_the_one_that_stands() -> None:
    class Sequencers:
        def stop_at(self, sequencer, breakpoints, halted) -> str:
            self.halted = halted
            return sequencer

        def signals_until_now(self, sequencer) -> None:
            return None

    twin = Sequencers()
    debugger = Debugger({"zi": twin}, WorldClock(ClockMode.MANUAL))
    debugger.add("zi", "sg0", Breakpoint(1))
    found: dict[str, bool] = {}

    def run(name: str) -> threading.Thread:
        thread = threading.Thread(
            target=lambda: found.setdefault(name, twin.halted("sg0", lambda: {"run": name}))
        )
        thread.start()
        while not any(one["run"] == name for one in debugger.halts()):
            assert thread.is_alive()
        return thread

    first = run("first")
    second = run("second")
    first.join(WITHIN_S)
    assert found == {"first": False}
    assert [one["run"] for one in debugger.halts()] == ["second"]
    debugger.go_on(debugger.place("", ""))
    second.join(WITHIN_S)
    assert found == {"first": False, "second": False}
    assert debugger.halts() == []
