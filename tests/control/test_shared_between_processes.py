"""Two clients and the page at once, all of them processes: one order, seen alike by everybody."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from tests.benches.command_line import answer_of
from tests.benches.nodes.podium_up import EXAMPLE, Up, podium
from tests.benches.nodes.shared_client import ROUNDS

CLIENT = Path(__file__).parents[1] / "benches" / "nodes" / "shared_client.py"
ADA, BOB = "ada's notebook", "bob's script"
POINTS = {ADA: 5, BOB: 8}
NOISE_V = 1e-3
"""Between the signal of a readout that is not played and that of one that is."""
EVENT = re.compile(r'<li id="event-agent_room-(\d+)-[^>]*>(.*?)</li>', re.DOTALL)
WRITE = re.compile(r"asked by hand .*?what power value (\S+) by (.*?) answer")


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    yield up
    up.close()


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
    assert {one["state"] for one in status["asked"]} == {"done"}

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
    assert shown == {run["run"]: who for who, seen in clients.items() for run in seen["runs"]}


def test_status_tells_a_person_who_asked_for_what(up) -> None:
    here = ("--facility", EXAMPLE, "--state", up.state)
    podium("ask", "lo_q2", "power", -7, "--write", *here)
    told = answer_of("status", EXAMPLE, "--state", up.state)
    last = told.partition("asked lately:\n")[2].splitlines()[-2]
    assert re.search(r"set lo_q2 power to -7, done \d+ s ago, by .+@.+ \(podium ask \d+\)$", last)
