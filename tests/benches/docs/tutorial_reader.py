"""Reads a page as its reader does: runs its blocks and looks at what they print."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.benches.docs.keep_report import lay_in
from tests.benches.docs.pages import PAGES, ROOT, Block, blocks_of, difference, name_of, to_run

ELSEWHERE = {
    "docs/reference/facility_file.md": "tests/test_reference_pages.py",
    "docs/how-to/add-an-instrument.md": "tests/docs/test_add_an_instrument.py",
}
"""Pages whose code other tests execute."""


EXECUTED = [page for page in PAGES if to_run(page) and name_of(page) not in ELSEWHERE]
OF_SEVERAL_NODES = {
    "docs/how-to/across-racks.md",
    "docs/how-to/herald-a-pair.md",
    "docs/how-to/let-a-node-join.md",
    "docs/how-to/start-nodes-together.md",
    "docs/tutorials/03-two-nodes.md",
}
"""Nodes that start together keep deadlines: nothing runs beside these pages."""

ON_ONE_NODE = [page for page in EXECUTED if name_of(page) not in OF_SEVERAL_NODES]
BLOCK_S = 400
START_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Reader:
    """Does what a page says, block by block, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left_running: list[subprocess.Popen[bytes]] = []
        (folder / "examples").symlink_to(ROOT / "examples")
        self.meeting = f"127.0.0.1:{free_port()}"
        bin_folder = str(Path(sys.executable).parent)
        self.environment = os.environ | {
            "PATH": os.pathsep.join([bin_folder, os.environ["PATH"]]),
            "HOME": str(folder),
            # where the package is not installed anew since it has a plugin for pytest
            "PYTEST_PLUGINS": "podium_pytest",
        }

    def here(self, text: str) -> str:
        """Return a block's text with the places of this machine in it."""
        host = self.meeting.partition(":")[0]
        return text.replace("rack-a.lab:7447", self.meeting).replace("rack-a.lab", host)

    def environment_on(self, computer: str) -> dict[str, str]:
        state = self.folder / f"state{computer and '-'}{computer}"
        return self.environment | {"XDG_STATE_HOME": str(state)}

    def run(self, block: Block) -> str:
        words = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euc"]
        ended = subprocess.run(
            [*words, self.here(block.text)],
            cwd=self.folder,
            env=self.environment_on(block.computer),
            capture_output=True,
            text=True,
            timeout=BLOCK_S,
            check=False,
        )
        assert ended.returncode == 0, f"line {block.line}:\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def start(self, block: Block) -> None:
        """Start what goes on in the background; return once its endpoints are there."""
        (endpoints,) = re.findall(r"--endpoints (\S+)", block.text)
        process = subprocess.Popen(
            ["bash", "-euc", f"exec {block.text}"],
            cwd=self.folder,
            env=self.environment_on(block.computer),
            start_new_session=True,
        )
        self.left_running.append(process)
        give_up = time.monotonic() + START_S
        while not (self.folder / endpoints).exists():
            assert process.poll() is None, f"line {block.line}: it ended at once"
            assert time.monotonic() < give_up, f"line {block.line}: no {endpoints}"
            time.sleep(0.05)

    def leave(self) -> None:
        for process in reversed(self.left_running):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.leave()


def follow(page: Path, reader: Reader, slowly: bool) -> None:
    """Do what a page says and compare what is printed; ``slowly``: what takes minutes, too."""
    printed = ""
    for block in blocks_of(page):
        if "output" in block.words:
            within = 0.2 if "about" in block.words else 0.0
            differs = None if "varies" in block.words or (slowly and within == 0.0) else within
            problem = difference(reader.here(block.text), printed, differs)
            assert problem is None, f"{page.name}, line {block.line}: {problem}"
        elif block.runnable and block.reason is None:
            if block.file is not None:
                (reader.folder / block.file).write_text(block.text)
            elif "background" in block.words:
                reader.start(block)
            elif "slow" in block.words and not slowly:
                lay_in(reader.folder / "report", one_node="--node-only" in block.text)
                printed = ""
            else:
                printed = reader.run(block)
