"""Notebooks are executed, and interrupted, in kernels of their own, on instruments that listen.

What a cell prints is compared with what the notebook shows; numbers may differ.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from tests.benches.docs.keep_report import lay_in
from tests.benches.docs.pages import ROOT, Block, difference
from tests.benches.docs.tutorial_reader import Reader
from tests.benches.thoroughness import sampled

NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
SERVE = (
    "podium twin serve examples/first_light/facility.yaml --twin report/twin.yaml "
    "--endpoints endpoints.json"
)
CELL_S = 240

OPENED = """
from contextlib import ExitStack
from podium.control.client.blocking import open_facility_blocking
from podium.control.client.facility_access import open_facility
from podium.control.program.program import Capture, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square

where = ("examples/first_light/facility.yaml", "endpoints.json")
program = Program(
    "endless",
    (Frame("readout", "node_a.q1.readout", 7.1e9),),
    (
        Delay(("readout",), 10**11),
        Capture("readout", "q1", 400 * 10**6, 160 * 10**6),
        Play("readout", Square(600 * 10**6), 0.05),
    ),
    shots=2**30,
)
"""
BLOCKING = """
with open_facility_blocking(*where) as lab:
    stream = lab.stream(program)
    for data in stream:
        print("seen", flush=True)
"""
AWAITING = """
async with open_facility(*where) as lab:
    stream = lab.stream(program)
    async for data in stream:
        print("seen", flush=True)
"""
AFTER = """
attributes = stream.data.attrs
print(attributes["complete"], attributes["stopped"], attributes["shots_done"] > 0)
with open_facility_blocking(*where) as lab:
    print(lab.ready(60).agents[0].doing)
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Iterator[Reader]:
    """Somebody in whose folder there are a report and instruments that listen."""
    reader = Reader(tmp_path_factory.mktemp("notebook"))
    lay_in(reader.folder / "report")
    reader.start(Block("sh", ("background",), SERVE, 0, None))
    yield reader
    reader.leave()


def printed(cell) -> str:
    outputs = cell.get("outputs", [])
    return "".join(one.text for one in outputs if one.get("name") == "stdout")


def pictures(cell) -> int:
    return sum("image/png" in one.get("data", {}) for one in cell.get("outputs", []))


@pytest.fixture(autouse=True)
def beside_the_report(reader: Reader, monkeypatch) -> None:
    """Let Jupyter keep its files there, not where the person who runs the tests has theirs."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(reader.folder / "jupyter"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
async def test_a_notebook_runs_and_gives_what_it_shows(path: Path, reader: Reader) -> None:
    shown = nbformat.read(path, 4)
    nbformat.validate(shown)
    done = nbformat.from_dict(shown)
    place = {"metadata": {"path": str(reader.folder)}}
    client = NotebookClient(done, kernel_name="python3", timeout=CELL_S, resources=place)
    await client.async_execute(env=reader.environment)
    for then, now in zip(nbformat.read(path, 4).cells, done.cells, strict=True):
        assert difference(printed(then), printed(now), None) is None, then.source
        assert pictures(then) == pictures(now), then.source


@asynccontextmanager
async def kernel(reader: Reader) -> AsyncIterator[tuple[AsyncKernelManager, object]]:
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(cwd=str(reader.folder), env=reader.environment)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel()


async def execute(client, source: str, at_output=None) -> tuple[str, str]:
    """Return what a cell printed, and the error it ended with; ``at_output`` is called once."""
    asked = client.execute(source)
    told, error = [], ""
    async with asyncio.timeout(CELL_S):
        while True:
            message = await client.get_iopub_msg()
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                told.append(content["text"])
                if at_output is not None:
                    at, at_output = at_output, None
                    await at()
            if message["msg_type"] == "error":
                error = content["ename"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return "".join(told), error


@pytest.mark.parametrize(
    "cell",
    sampled([BLOCKING, AWAITING], kept=[]),
    ids=["blocking", "awaiting"],
)
async def test_the_stop_button_keeps_what_was_measured_and_leaves_all_safe(
    reader: Reader, cell: str
) -> None:
    async with kernel(reader) as (manager, client):
        assert await execute(client, OPENED) == ("", "")
        seen, error = await execute(client, cell, manager.interrupt_kernel)
        assert seen.startswith("seen")
        assert error in ("KeyboardInterrupt", "CancelledError")
        assert await execute(client, AFTER) == ("0 interrupted True\nidle\n", "")
