"""The processes of a facility, with every twin behind them, as a person starts them."""

import asyncio
import html
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator

import httpx
import psutil
import pytest
import xarray
from tests.benches.command_line import answer_of, podium_here
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM, Up, ended, podium, wait_for
from tests.benches.programs.long_scan import scan

from podium.control.client.facility_access import join_facility


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"), from_nothing=True)
    yield up
    up.close()


def test_every_instrument_is_connected(up) -> None:
    code, status = up.status()
    assert code == 0
    instruments = [one for agent in status["agents"] for one in agent["instruments"]]
    assert {one["state"] for one in instruments} == {"connected"}
    assert len(instruments) == 4


def test_agent_and_coordinator_are_processes_of_their_own(up) -> None:
    assert len({up.up.pid, up.child("agent").pid, up.child("coordinator").pid}) == 3


def test_they_listen_on_loopback_only(up) -> None:
    hosts = {
        connection.laddr.ip
        for process in (psutil.Process(up.up.pid), *up.children())
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
    }
    assert hosts == {"127.0.0.1"}


def test_a_facility_is_kept_up_by_one_only(up) -> None:
    second = podium("up", EXAMPLE, "--state", up.state, check=False)
    assert second.returncode == 2
    (line,) = second.stderr.splitlines()
    assert f"{up.state}: process {up.up.pid} keeps this facility up already" in line


async def test_a_run_is_the_same_in_the_list_on_the_page_and_in_a_notebook(up) -> None:
    async with join_facility(EXAMPLE, state=up.state) as lab, asyncio.timeout(60):
        measured = await lab.run(scan(10))
        run = measured.attrs["run"]
        await lab.recorder.flush()
        told = podium_here("data", "list", EXAMPLE, "--state", up.state, "--json")
        (row,) = [one for one in json.loads(told.stdout) if one["run"] == run]
        url, key = up.page()
        async with httpx.AsyncClient(base_url=url, headers=key, timeout=30) as client:
            listed = (await client.get("/api/runs", params={"words": "", "limit": 5})).json()
            about = (await client.get(f"/data/runs/{run}")).text
        (same,) = [one for one in listed if one["run"] == run]
        assert same["hash"] == row["hash"]
        line = f'lab.data.load("{run}")'  # as it is copied from the page
        assert line in html.unescape(about)
        found = await eval(line, {"lab": lab})
        opened = json.loads(answer_of("data", "open", EXAMPLE, "--state", up.state, run, "--json"))
        with eval(opened["open"], {"xarray": xarray}) as data:
            for one in (found, data):
                assert one.attrs["run"] == run
                xarray.testing.assert_equal(one.q0_i, measured.q0_i)


async def test_a_lab_joins_from_another_process(up) -> None:
    async with join_facility(EXAMPLE, state=up.state) as lab, asyncio.timeout(60):
        assert 0.005 < await lab.read("thermometry_a", "mixing_chamber") < 0.03
        before = await lab.now()
        await lab.bias({"node_a.q0.flux": 0.2, "node_a.q1.flux": 0.05})
        assert await lab.read("bias_q0", "") == pytest.approx(0.2)
        assert await lab.read("cluster_a", "slot6.out2") == pytest.approx(0.05, abs=1e-4)
        lab_s = (await lab.now() - before) / 1e15
        assert lab_s >= 0.2 / 0.5  # the ramps took at least as long as their slew allows
        await lab.bias({"node_a.q0.flux": 0.0, "node_a.q1.flux": 0.0})


async def test_a_run_is_in_the_records_whoever_looks_also_after_a_kill_of_them(up, trial) -> None:
    from podium.control.client.facility_access import join_facility

    coordinator = json.loads(up.state.read_text())["coordinator"]
    async with join_facility(EXAMPLE, coordinator) as lab, asyncio.timeout(120):
        runs = [(await lab.run(trial())).attrs["run"]]
        victim = up.child("records")
        os.kill(victim.pid, signal.SIGKILL)
        data = await lab.run(trial())
        runs.append(data.attrs["run"])
        found = await lab.data.find(qubit="node_a.q0", since="today")
        assert "not_recorded" not in data.attrs
        assert [one.attrs["run"] for one in found][:2] == runs[::-1]
        assert found[0].equals(data)
    listed = podium_here("data", "list", EXAMPLE, "--state", up.state, "--json")
    assert [one["run"] for one in json.loads(listed.stdout)][:2] == runs[::-1]
    opened = podium_here("data", "verify", EXAMPLE, "--state", up.state)
    assert "whole" in opened.stdout


def test_the_page_is_where_the_state_says_and_opens_with_its_key(up) -> None:
    state = json.loads(up.state.read_text())
    address = f"{state['page']}?key={state['page_key']}"
    assert f"the page is {address}" in up.log.read_text()
    assert address.startswith("http://127.0.0.1:")
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        opened = browser.get(address)
        assert "first_light" in opened.text
        assert str(opened.url) == state["page"]
    told = podium_here("status", EXAMPLE, "--state", up.state)
    assert f"page: {address}" in told.stdout
    stranger = httpx.get(f"{state['page']}api/state", timeout=30)
    assert stranger.status_code == 401
    assert "podium status FACILITY" in stranger.text
    for file in (up.state, up.state.with_suffix(".page_key")):
        assert file.stat().st_mode & 0o777 == 0o600


def test_what_instruments_read_is_kept_and_found(up) -> None:
    channel = "thermometry_a.mixing_chamber"
    words = "data", "readings", channel, "--facility", up.facility, "--state", up.state
    wait_for(lambda: podium_here(*words).returncode == 0, up.log)
    assert f"{channel} (K)" in podium_here(*words).stdout
    url, key = up.page()
    course = httpx.get(f"{url}api/readings/{channel}/history", headers=key, timeout=60).json()
    assert course["unit"] == "K"
    assert all(0.005 < kelvin < 0.05 for kelvin in course["value"])
    assert course["value"]


def test_the_page_comes_back_at_its_address_and_knows_what_was(up) -> None:
    address, key = up.page()
    victim = up.child("web")
    os.kill(victim.pid, signal.SIGKILL)
    wait_for(lambda: ended(victim), up.log)
    state = httpx.get(
        f"{address}api/state", headers=key, timeout=60
    ).json()  # it waits for the next process
    assert state["headline"]["facility"] == "first_light"
    wait_for(lambda: "agent up" in httpx.get(f"{address}api/events", headers=key).text, up.log)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("8080", "127.0.0.1:8080 would be one"),
        ("localhost:x", "is no place for a page"),
        ("127.0.0.1:99999", "is no place for a page"),
        ("192.0.2.1:0", "the page cannot listen at 192.0.2.1:0"),
    ],
)
def test_where_a_page_cannot_be_is_told(page, said, tmp_path) -> None:
    told = podium_here("up", EXAMPLE, "--page", page, "--state", tmp_path / "up.json")
    assert told.returncode == 2
    assert said in told.stderr


def test_a_release_and_its_end_are_answered_as_json(up) -> None:
    words = ("release", "lo_q2", "--facility", EXAMPLE, "--state", up.state, "--json")
    for back, released in ((), True), (("--back",), False):
        told = podium_here(*words, *back)
        assert json.loads(told.stdout) == {"instrument": "lo_q2", "released": released}
        state = up.status()[1]["agents"]
        (lo,) = (one for agent in state for one in agent["instruments"] if one["name"] == "lo_q2")
        assert (lo["state"] == "released") is released


@pytest.mark.parametrize("module", ["agent", "coordinator"])
def test_a_process_that_is_killed_is_seen_and_comes_back(up, module) -> None:
    victim = up.child(module)
    os.kill(victim.pid, signal.SIGKILL)
    wait_for(lambda: ended(victim), up.log)
    wait_for(lambda: up.status()[0] == 0, up.log)
    assert up.child(module).pid != victim.pid


def test_not_being_up_is_told(tmp_path) -> None:
    told = podium_here("status", EXAMPLE, "--state", tmp_path / "none.json")
    assert told.returncode == 1
    assert "`podium up` this facility first" in told.stderr


def test_children_end_when_their_parent_is_killed(up, tmp_path) -> None:
    """Of a second one on the same twins, which asks and sets nothing."""
    log = tmp_path / "log"
    words = ("up", EXAMPLE, "--endpoints", up.endpoints, "--state", tmp_path / "up.json")
    with log.open("w") as said:
        other = subprocess.Popen([*PODIUM, *map(str, words)], stdout=said, stderr=said)
    try:
        wait_for(lambda: "is up: 4 instruments" in log.read_text(), log)
        children = psutil.Process(other.pid).children(recursive=True)
        assert len(children) >= 2
        other.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
    finally:
        other.kill()
        other.wait()


def test_what_is_up_is_asked_also_when_its_endpoints_file_is_gone(up) -> None:
    hidden = up.endpoints.with_suffix(".hidden")
    up.endpoints.rename(hidden)
    try:
        code, status = up.status()
    finally:
        hidden.rename(up.endpoints)
    assert code == 0
    assert all(one["heard_s"] > 0 for agent in status["agents"] for one in agent["instruments"])


@pytest.mark.slow
def test_a_damaged_ramp_journal_is_told_at_the_start_until_somebody_has_looked(
    tmp_path_factory,
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    journal = folder / "up.ramps.sqlite"
    journal.write_bytes(b"this is no database, and never was one" * 20)
    up = Up(folder)
    try:
        assert "look at every bias before the next ramp" in up.log.read_text()
        code, status = up.status()
        assert code == 1
        (finding,) = status["findings"]
        assert str(journal) in finding["what"]
        looked = podium_here("status", up.facility, "--state", up.state, "--looked", "all")
        assert "ramp journal" not in looked.stdout
        assert up.status()[0] == 0
    finally:
        up.close()


@pytest.mark.slow
def test_when_all_twins_are_frozen_none_stays_connected_and_all_say_when_they_were_heard(
    tmp_path_factory,
) -> None:
    up = Up(tmp_path_factory.mktemp("frozen"))

    def states() -> dict[str, str]:
        agents = up.status()[1]["agents"]
        return {one["name"]: one["state"] for agent in agents for one in agent["instruments"]}

    try:
        assert set(states().values()) == {"connected"}
        up.twins.send_signal(signal.SIGSTOP)
        wait_for(lambda: "connected" not in states().values(), up.log)
        told = podium_here("status", up.facility, "--state", up.state)
        assert told.returncode == 1
        rows = [line for line in told.stdout.splitlines() if line.startswith("  ")]
        assert sum("(heard" in row and "ago)" in row for row in rows) == len(states())
        up.twins.send_signal(signal.SIGCONT)
        wait_for(lambda: set(states().values()) == {"connected"}, up.log)
    finally:
        up.twins.send_signal(signal.SIGCONT)
        up.close()
