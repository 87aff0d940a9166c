"""Pages with code are executed: every block in order, what it prints beside what the page shows.

What a page asks the demo for takes a minute; unless the slow tests are asked for, the report
of a demo that was kept (``kept_report``, written by ``keep_report.py``) is laid in its place.
"""

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
from tests.docs.keep_report import lay_in
from tests.docs.pages import PAGES, ROOT, Block, blocks_of, difference, name_of, to_run

ELSEWHERE = {
    "docs/reference/facility_file.md": "tests/test_reference_pages.py",
    "docs/how-to/add-an-instrument.md": "tests/docs/test_add_an_instrument.py",
}
"""Pages whose code other tests execute."""
EXECUTED = [page for page in PAGES if to_run(page) and name_of(page) not in ELSEWHERE]
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


@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page: Path, reader: Reader):
    follow(page, reader, slowly=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", [p for p in EXECUTED if any("slow" in b.words for b in blocks_of(p))], ids=name_of
)
def test_the_slow_parts_of_a_page_run_too(page: Path, reader: Reader):
    follow(page, reader, slowly=True)


def test_an_output_that_differs_is_noticed():
    shown = "T1 = 31.3 ± 0.9 µs\n... done\n"
    assert difference(shown, "T1 = 31.3 ± 0.9 µs\nall that is done", 0.0) is None
    assert difference(shown, "T1 = 33.3 ± 0.8 µs\nall that is done", 0.2) is None
    assert difference(shown, "T1 = 33.3 ± 0.8 µs\nall that is done", 0.0) is not None
    assert difference(shown, "T1 = 313 ± 0.9 µs\nall that is done", 0.2) is not None
    assert difference(shown, "T2 = 31.3 ± 0.9 µs\nall that is done", None) is not None
    assert difference(shown, "T1 = 9 ± 4 µs\nis done", None) is None
