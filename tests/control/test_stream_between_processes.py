"""Measurements seen as they come, across processes: an agent, a coordinator, several clients."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import xarray
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM, Up, podium
from tests.benches.programs.long_scan import scan

from podium.control.client.facility_access import join_facility
from podium.control.client.run_recorder import PART_S
from podium.control.program.program import Parameter, ShiftPhase
from podium.control.program.serialise import to_json
from podium.control.runs.errors import RunRefused


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    yield up
    up.close()


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
