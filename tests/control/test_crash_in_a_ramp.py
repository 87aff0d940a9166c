"""The agent is killed in the middle of a ramp: each bias ends where its safe rule says."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from tests.benches.command_line import answer_of, draw_world, podium_here
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM, wait_for
from tests.benches.processes.forked_podium import start_podium

from podium.control.client.facility_access import join_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.processes.lab_access import reached
from podium.control.runs.errors import RunError

SLEW_V_PER_S = 0.15
TARGET_V = 0.9
KILLED_AT_V = 0.2
STEP_V = SLEW_V_PER_S * 0.02
"""Of the staircase of the cluster."""
LINES = {
    "node_a.q0.flux": "{source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}",
    "node_a.q1.flux": "{source: cluster_a.slot6.out2, limit: 1.2 V, slew: 0.5 V/s}",
}


@dataclass
class Watched:
    """One output of a twin, asked by somebody else all the time."""

    host: str
    port: int
    level: str
    """What sets it; with a question mark, what asks for it."""
    seen: list[tuple[float, float, float]] = field(default_factory=list)
    """Time before, level in V, time after."""
    _over: threading.Event = field(default_factory=threading.Event)

    def begin_at_zero(self) -> None:
        with socket.create_connection((self.host, self.port), 10) as wire:
            wire.sendall(f"{self.level} 0\n{self.level}?\n".encode())
            with wire.makefile("rb") as answers:
                assert float(answers.readline()) == 0.0

    def watch(self) -> threading.Thread:
        thread = threading.Thread(target=self._ask)
        thread.start()
        return thread

    def stop(self) -> None:
        self._over.set()

    def _ask(self) -> None:
        with (
            socket.create_connection((self.host, self.port), 10) as wire,
            wire.makefile("rb") as answers,
        ):
            while not self._over.wait(0.02):
                before = time.monotonic()
                wire.sendall(f"{self.level}?\n".encode())
                level_v = float(answers.readline())
                self.seen.append((before, level_v, time.monotonic()))

    @property
    def level_v(self) -> float:
        return self.seen[-1][1] if self.seen else 0.0

    def fastest(self) -> float:
        """Return the largest step beyond what the slew allows in its time, V."""
        return max(
            abs(later - level) - SLEW_V_PER_S * (after - before)
            for (before, level, _), (_, later, after) in zip(self.seen, self.seen[1:], strict=False)
        )

    def after(self, moment: float) -> list[float]:
        return [level for before, level, _ in self.seen if before > moment]


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory) -> Iterator[Path]:
    """Twins whose time is that of the wall."""
    folder = tmp_path_factory.mktemp("paced")
    twin, endpoints, log = folder / "twin.yaml", folder / "endpoints.json", folder / "log"
    draw_world(EXAMPLE, twin, "--seed", 1)
    words = ["twin", "serve", EXAMPLE, "--twin", twin, "--endpoints", endpoints, "--clock", "paced"]
    with log.open("w") as said:
        twins = start_podium(*words, out=said)
        try:
            wait_for(endpoints.exists, log)
            yield endpoints
        finally:
            twins.terminate()
            twins.wait(40)


@pytest.fixture
def outputs(endpoints) -> Iterator[dict[str, Watched]]:
    where = json.loads(endpoints.read_text())["instruments"]
    outputs = {
        "node_a.q0": Watched(where["bias_q0"]["host"], 7655, ":SOUR:LEV"),
        "node_a.q1": Watched(where["cluster_a"]["host"], 5025, "SLOT6:AFE:OFFSet:DAC2"),
    }
    for output in outputs.values():
        output.begin_at_zero()
    threads = [output.watch() for output in outputs.values()]
    yield outputs
    for output, thread in zip(outputs.values(), threads, strict=True):
        output.stop()
        thread.join(10)


def known(store: Path, qubit: str) -> tuple[ParameterEntry, ...]:
    try:
        with ParameterStore(store, make=False) as opened:
            return opened.history(f"{qubit}.flux_bias")
    except StoreError:  # nothing was stored so far
        return ()


def facility_with(safe: str, file: Path) -> Path:
    text = EXAMPLE.read_text()
    for port, line in LINES.items():
        new = line.replace("slew: 0.5 V/s", f"slew: {SLEW_V_PER_S} V/s, safe: {safe}")
        assert f"{port}: {line}" in text
        text = text.replace(f"{port}: {line}", f"{port}: {new}")
    file.write_text(text)
    return file


class Up:
    """``podium up`` on these twins."""

    def __init__(self, facility: Path, endpoints: Path, folder: Path) -> None:
        self.state, self.store = folder / "up.json", folder / "parameters.sqlite"
        self.log = folder / "log"
        words = ["up", facility, "--endpoints", endpoints, "--page", "none"]
        words += ["--state", self.state, "--store", self.store]
        with self.log.open("w") as said:
            self.process = subprocess.Popen([*PODIUM, *map(str, words)], stdout=said, stderr=said)

    def wait_until_it_says(self, text: str) -> None:
        wait_for(lambda: text in self.log.read_text(), self.log)

    def kill_agent(self) -> None:
        (agent,) = [
            one
            for one in psutil.Process(self.process.pid).children(recursive=True)
            if "podium.control.agent.process" in one.cmdline()
        ]
        os.kill(agent.pid, signal.SIGKILL)


@pytest.fixture
def open_up(endpoints, tmp_path) -> Iterator[Callable[[Path], Up]]:
    opened: list[Up] = []

    def open_one(facility: Path) -> Up:
        opened.append(Up(facility, endpoints, tmp_path))
        return opened[-1]

    yield open_one
    for up in opened:
        up.process.terminate()
        up.process.wait(40)


@pytest.mark.parametrize(
    ("safe", "end_v"),
    [
        pytest.param("hold", None, marks=pytest.mark.slow),
        pytest.param("finish", TARGET_V, marks=pytest.mark.slow),
        ("0.5 V", 0.5),
    ],
)
async def test_a_killed_agent_leaves_each_bias_where_the_rule_says(
    safe, end_v, outputs, open_up, tmp_path
) -> None:
    facility = facility_with(safe, tmp_path / "facility.yaml")
    up = open_up(facility)
    up.wait_until_it_says("is up: 4 instruments")
    coordinator = json.loads(up.state.read_text())["coordinator"]
    q0, q1 = outputs["node_a.q0"], outputs["node_a.q1"]
    async with join_facility(facility, coordinator) as lab, asyncio.timeout(90):
        moving = asyncio.create_task(lab.bias({f"{name}.flux": TARGET_V for name in outputs}))
        while any(one.level_v < KILLED_AT_V for one in outputs.values()):
            assert not moving.done(), moving.result()
            await asyncio.sleep(0.01)
        up.kill_agent()
        killed = time.monotonic()
        with pytest.raises(RunError):
            await moving
        await asyncio.to_thread(
            wait_for, lambda: all(known(up.store, name) for name in outputs), up.log
        )
        settled = time.monotonic()
        notes = " ".join(note for agent in (await lab.ready(30)).agents for note in agent.notes)
        await asyncio.to_thread(
            wait_for, lambda: min(len(one.after(settled)) for one in outputs.values()) > 10, up.log
        )
    for name, output in outputs.items():
        (entry,) = known(up.store, name)
        rest_v = output.after(settled)
        assert max(rest_v) - min(rest_v) < 1e-9  # it stands
        assert rest_v[0] == pytest.approx(entry.value, abs=1e-4)
        if end_v is not None:
            assert rest_v[0] == pytest.approx(end_v, abs=1e-4)
        assert entry.why.startswith("the agent ended during the ramp; safe rule: ")
        assert entry.who == "agent room"
        assert f"{name}.flux: at {entry.value:g} V since its last ramp was cut off" in notes
        assert output.fastest() < (1e-4 if output is q0 else STEP_V + 1e-4)  # it never jumped
    if safe == "hold":
        # The staircase of the cluster ended with its process; the ramp of the box went on.
        here_v = q1.after(killed)
        assert max(here_v) - min(here_v) < STEP_V + 1e-4
        assert KILLED_AT_V <= q1.level_v < q0.level_v <= TARGET_V
        told = answer_of("params", "log", "node_a.q0.flux_bias", "--store", up.store)
        assert "set by agent room: the agent ended during the ramp; safe rule: hold" in told
        told = podium_here("status", facility, "--state", up.state).stdout
        assert "note: node_a.q0.flux: at " in told


DIES = """
import asyncio, sys
from podium.control.client.facility_access import open_facility

async def main():
    async with open_facility(sys.argv[1], sys.argv[2]) as lab:
        await lab.ready(60)
        print("ramps", flush=True)
        await lab.bias({"node_a.q1.flux": 0.9})

asyncio.run(main())
"""


@pytest.fixture
def start_script() -> Iterator[Callable[[str, Path, Path], "subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: object) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, "-c", *map(str, words)]))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait(10)


@pytest.mark.slow
async def test_after_a_killed_notebook_the_next_command_carries_out_the_rule(
    outputs, endpoints, start_script, tmp_path
) -> None:
    facility = facility_with("-100 mV", tmp_path / "facility.yaml")
    output, log = outputs["node_a.q1"], tmp_path / "log"
    log.touch()
    notebook = start_script(DIES, facility, endpoints)
    await asyncio.to_thread(wait_for, lambda: output.level_v > KILLED_AT_V / 2, log)
    notebook.kill()
    await asyncio.to_thread(notebook.wait, 10)
    store_file = tmp_path / "parameters.sqlite"
    async with reached(facility, endpoints, None, all_of_it=False, reading_only=True) as lab:
        await lab.ready(60)
        async with asyncio.timeout(30):  # until it has looked into its journal
            while not (notes := (await lab.status()).agents[0].notes):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "was cut off" in notes[0]
        assert output.level_v > KILLED_AT_V / 2  # who only reads moves nothing
    async with reached(facility, endpoints, None, store=store_file) as lab:
        await lab.bias({"node_a.q0.flux": 0.01})
    assert output.level_v == pytest.approx(-0.1, abs=1e-4)
    assert output.fastest() < STEP_V + 1e-4
    (entry,) = known(store_file, "node_a.q1")
    assert entry.value == pytest.approx(-0.1, abs=1e-4)
    assert "safe rule: -0.1 V" in entry.why
