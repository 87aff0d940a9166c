"""Several clients of a facility that is up, all of them processes: theirs, others', strangers'.

They follow and stop each other's measurements, write at once and see one order, and without a key
nothing of what they try is done. One facility is up for all tests: to begin it takes longer than
most of them.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest
import xarray
from tests.benches.command_line import answer_of
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM, Up, podium
from tests.benches.nodes.shared_client import ROUNDS
from tests.benches.programs.long_scan import scan

from podium.control.client.facility_access import join_facility
from podium.control.client.run_recorder import PART_S
from podium.control.facility.state_folder import certificates_folder
from podium.control.program.program import Parameter, ShiftPhase
from podium.control.program.serialise import to_json
from podium.control.runs.errors import RunRefused
from podium.control.security.authority import SmallAuthority


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    yield up
    up.close()


# Measurements seen as they come


async def test_one_client_follows_and_another_one_stops(up) -> None:
    coordinator = json.loads(up.state.read_text())["coordinator"]
    async with (
        join_facility(EXAMPLE, coordinator, up.endpoints) as lab,
        join_facility(EXAMPLE, coordinator, up.endpoints) as other,
    ):
        stream = lab.stream(scan(2**30))
        seen = 0
        async for _ in stream:
            seen += 1
            if seen == 2:
                (on,) = await other.streams()
                assert on.program == "scan"
                await other.stop(on.run, "seen from afar")
        data = stream.data
        assert data.attrs["stopped"] == "seen from afar"
        assert 0 < data.attrs["shots_done"] < 2**30
        run = await other.run(scan(10))
        assert run.sizes == data.sizes


async def test_one_client_fires_what_is_prepared_and_another_one_plays_in_between(up) -> None:
    coordinator = json.loads(up.state.read_text())["coordinator"]
    async with (
        join_facility(EXAMPLE, coordinator, up.endpoints) as lab,
        join_facility(EXAMPLE, coordinator, up.endpoints) as other,
    ):
        program = replace(
            scan(10), body=(ShiftPhase("readout", Parameter("a", 0.0)), *scan(10).body)
        )
        prepared = await lab.prepare(program)
        first = await prepared.fire(a=0.25)
        run = await other.run(scan(10))
        second = await prepared.fire(a=0.5)
        assert first.run < run.attrs["run"] < second.run
        assert second.dataset().sizes == run.sizes
        with pytest.raises(RunRefused, match="no parameter 'b'"):
            await prepared.fire(b=0.5)


NOTEBOOK = """
import sys
from pathlib import Path
from podium.control.blocking import join_facility_blocking
from podium.control.program.serialise import from_json
with join_facility_blocking(sys.argv[1], state=Path(sys.argv[2])) as lab:
    for data in lab.stream(from_json(Path(sys.argv[3]).read_text())):
        print(data.attrs["run"], data.attrs["shots_done"], flush=True)
"""


@pytest.mark.timeout(600)
@pytest.mark.slow  # it is given up after a minute, and recorded a minute later
def test_a_stream_whose_notebook_is_killed_is_recorded(up, tmp_path) -> None:
    program = tmp_path / "scan.json"
    program.write_text(to_json(scan(2**30)))
    words = [sys.executable, "-c", NOTEBOOK, EXAMPLE, up.state, program]
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True) as notebook:
        assert notebook.stdout is not None
        began = time.monotonic()
        run, shots = "", "0"
        while time.monotonic() < began + 2 * PART_S:
            run, shots = notebook.stdout.readline().split()
        notebook.kill()
    assert int(shots) > 0

    def listed() -> list[dict[str, object]]:
        asked = ["data", "list", EXAMPLE, "--state", up.state, "--json"]
        told = podium(*asked, check=False).stdout or "[]"  # none: it says so, with status 1
        return [one for one in json.loads(told) if one["run"] == run]

    give_up = time.monotonic() + 400
    while not listed():
        assert time.monotonic() < give_up, up.log.read_text()
        time.sleep(3)
    assert [one["state"] for one in listed()] == ["stopped"]
    told = podium("data", "open", EXAMPLE, "--state", up.state, run, "--json").stdout
    with xarray.open_dataset(json.loads(told)["file"], engine="h5netcdf") as data:
        assert data.attrs["shots_done"] > 0
        assert data.attrs["complete"] == 0
        assert data.attrs["run"] == run


async def test_podium_run_stopped_by_ctrl_c_writes_what_was_measured(up, tmp_path) -> None:
    program, out = tmp_path / "scan.json", tmp_path / "scan.nc"
    coordinator = json.loads(up.state.read_text())["coordinator"]
    program.write_text(to_json(scan(2**30)))
    words = ["run", EXAMPLE, program, "--state", up.state, "--out", out]
    async with join_facility(EXAMPLE, coordinator, up.endpoints) as lab, asyncio.timeout(90):
        process = await asyncio.create_subprocess_exec(
            *PODIUM, *map(str, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while not any(one.shots_done for one in await lab.streams()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # nobody tells: it is another process's
        process.send_signal(signal.SIGINT)
        told, errors = await process.communicate()
    assert process.returncode == 1
    assert str(out) in told.decode()
    assert "stopped by SIGINT after" in errors.decode()
    with xarray.open_dataset(out, engine="h5netcdf") as data:
        assert data.attrs["complete"] == 0
        assert 0 < data.attrs["shots_done"] < 2**30


# Two clients and the page at once: one order, seen alike by everybody


CLIENT = Path(__file__).parents[1] / "benches" / "nodes" / "shared_client.py"
ADA, BOB = "ada's notebook", "bob's script"
POINTS = {ADA: 5, BOB: 8}
NOISE_V = 1e-3
"""Between the signal of a readout that is not played and that of one that is."""
EVENT = re.compile(r'<li id="event-agent_room-(\d+)-[^>]*>(.*?)</li>', re.DOTALL)
WRITE = re.compile(r"asked by hand .*?what power value (\S+) by (.*?) answer")


async def client(up: Up, kind: str, who: str, first: float) -> dict[str, list]:
    coordinator = json.loads(up.state.read_text())["coordinator"]
    words = (kind, who, coordinator, EXAMPLE, up.endpoints, first, POINTS[who])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, CLIENT, *map(str, words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(out)


def writes_in(rows: str) -> dict[int, tuple[float, str]]:
    """Return what the two clients set by hand, by the agent's own numbers, of rows of a page."""
    found = {}
    for number, text in EVENT.findall(rows):
        plain = " ".join(unescape(re.sub(r"<[^>]*>", "", text)).split())
        if (write := WRITE.search(plain)) and write[1] != "None" and write[2] in POINTS:
            found[int(number)] = (float(write[1]), write[2])
    return found


async def page_stream(page: str, key: dict[str, str], until: int) -> list[tuple[float, str]]:
    """Follow the page's stream until so many writes are seen; return them in their order."""
    seen: dict[int, tuple[float, str]] = {}
    async with (
        httpx.AsyncClient(timeout=60, headers=key) as http,
        http.stream("GET", f"{page}stream?topics=events") as answer,
    ):
        data: list[str] = []
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event, data = value, []
            elif name == "data":
                data.append(value)
            elif not line and data:
                text = "\n".join(data)
                if event == "rows":
                    text = "\n".join(html for _, _, html in json.loads(text)["rows"])
                now, data = writes_in(text), []
                assert all(seen.get(number, write) == write for number, write in now.items())
                seen |= now
                if len(seen) >= until:
                    break
    return [seen[number] for number in sorted(seen)]


async def test_writes_come_in_one_order_that_all_see_and_nothing_is_mixed_up(up) -> None:
    page, key = up.page()
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(page_stream(page, key, 2 * ROUNDS))
        ada = tasks.create_task(client(up, "async", ADA, -5.0))
        bob = tasks.create_task(client(up, "blocking", BOB, -15.0))
    clients = {ADA: ada.result(), BOB: bob.result()}
    status = up.status()[1]
    asked = {one["number"]: (one["what"], one["by"]) for one in status["asked"]}
    assert list(asked) == sorted(asked)
    assert {one["state"] for one in status["asked"] if one["by"] in POINTS} == {"done"}

    order = [
        (float(what.rpartition(" ")[2]), by)
        for what, by in asked.values()
        if what.startswith("set lo_q2 power to ") and by in POINTS
    ]
    assert looking.result() == order
    assert len(set(order)) == 2 * ROUNDS
    for who, seen in clients.items():
        # What a client was told while it went on is what all are told in the end.
        for number, what, by in seen["asked"]:
            if not what.startswith("run scan"):  # one that had no number of its own yet
                assert asked[number] == (what, by)
        mine = [value for value, by in order if by == who]
        assert mine == [value for value, _, _ in seen["rounds"]]
        for value, written, read in seen["rounds"]:
            assert written == value
            # Read after it: this value, or one that was set later, by whomever.
            later = [one for one, _ in order[order.index((value, who)) :]]
            assert read in later

    runs = {by: [what for what, one in asked.values() if one == by] for by in POINTS}
    for who, seen in clients.items():
        assert len(seen["runs"]) == ROUNDS / 2
        for run in seen["runs"]:
            assert run["by"] == who
            assert run["program"] == f"scan of {who}"
            assert run["points"] == POINTS[who]
            assert f"run {run['run']} scan of {who}" in runs[who]
            assert (run["signal"] > NOISE_V) == (who == BOB)
    async with httpx.AsyncClient(timeout=30, headers=key) as http:
        shown = {run["run"]: run["by"] for run in (await http.get(f"{page}api/runs")).json()}
    assert {run: by for run, by in shown.items() if by in clients} == {
        run["run"]: who for who, seen in clients.items() for run in seen["runs"]
    }


def test_status_tells_a_person_who_asked_for_what(up) -> None:
    here = ("--facility", EXAMPLE, "--state", up.state)
    podium("ask", "lo_q2", "power", -7, "--write", *here)
    told = answer_of("status", EXAMPLE, "--state", up.state)
    last = told.partition("asked lately:\n")[2].splitlines()[-2]
    assert re.search(r"set lo_q2 power to -7, done \d+ s ago, by .+@.+ \(podium ask \d+\)$", last)


# Processes of the same computer without a key: nothing is done, all is told


STRANGER = Path(__file__).parents[1] / "benches" / "nodes" / "stranger.py"
ACTS = ["list", "status", "ask", "set", "bias", "release", "answer in another's place"]


@pytest.fixture
def stranger(tmp_path) -> Path:
    """Return the folder of a stranger: an authority and a certificate of its own."""
    authority = SmallAuthority(tmp_path / "own", 30)
    authority.found("stranger's")
    authority.sign("client", "127.0.0.1")
    shutil.copy(certificates_folder() / "authority.pem", authority.folder / "theirs.pem")
    return authority.folder


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder)}


def tries(endpoint: str, folder: Path, meanwhile) -> dict[str, list[str]]:
    """Return what a stranger got done; ``meanwhile`` is called when it has tried to come in."""
    words = [sys.executable, str(STRANGER), endpoint, "first_light", str(folder)]
    with subprocess.Popen(
        words,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("tried"):
                meanwhile()
                process.stdin.write("\n")
                process.stdin.flush()
        assert process.stdout is not None
        return json.loads(process.stdout.read())


def settings(up: Up) -> list[str]:
    asked = [("lo_q2", "power"), ("bias_q0", "voltage")]
    on = ("--facility", EXAMPLE, "--state", up.state)
    return [answer_of("ask", *words, *on) for words in asked]


def test_a_stranger_gets_nothing_done_and_that_is_told(up, stranger) -> None:
    endpoint = json.loads(up.state.read_text())["coordinator"]
    before = settings(up)
    statuses = []
    told = tries(endpoint, stranger, lambda: statuses.append(up.status()))
    assert len(told) == 4
    assert {way: done for way, done in told.items() if done} == {}
    code, status = up.status()
    assert (code, status["facility"]) == (0, "first_light")
    assert all(one == (0, {**status, **one[1]}) for one in statuses)
    assert {one["state"] for one in status["agents"][0]["instruments"]} == {"connected"}
    assert settings(up) == before
    refused = {one["what"]: one["count"] for one in status["refused"]}
    assert refused.keys() >= {
        "somebody connected without TLS",
        "somebody connected without a certificate",
        "somebody connected with a certificate of another authority",
    }
    shown = answer_of("status", EXAMPLE, "--state", up.state)
    assert "refused:\n  somebody connected " in shown
    assert "router WARNING refused what='somebody connected without TLS'" in up.log.read_text()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("status", EXAMPLE), marks=pytest.mark.slow),
        pytest.param(("ask", "lo_q2", "power", "--facility", EXAMPLE), marks=pytest.mark.slow),
        ("ask", "lo_q2", "power", "15", "--write", "--facility", EXAMPLE),
        pytest.param(("release", "bias_q0", "--facility", EXAMPLE), marks=pytest.mark.slow),
    ],
    ids=["status", "ask", "set", "release"],
)
def test_the_commands_of_another_user_are_refused_in_words(up, stranger, words) -> None:
    told = subprocess.run(
        [*PODIUM, *map(str, words), "--state", str(up.state)],
        env=environment(stranger),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode != 0
    assert "the certificates of this user are not there" in told.stderr


@pytest.mark.slow
def test_a_stranger_gets_all_done_where_there_is_no_lock(tmp_path_factory, stranger) -> None:
    """The same stranger, where somebody has asked for it: what the test above finds is real."""
    up = Up(tmp_path_factory.mktemp("insecure"), options=("--insecure",))
    try:
        assert "the bus has no lock: whoever reaches it may do everything" in up.log.read_text()
        endpoint = json.loads(up.state.read_text())["coordinator"]
        told = tries(endpoint, stranger, up.status)
        assert told["without TLS, as a client"] == ACTS
    finally:
        up.close()
