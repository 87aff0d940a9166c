"""A command of ``podium`` in a copy of a process that has imported what it needs."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

RUNS = """
import asyncio, json, os, signal, sys
from pathlib import Path
from podium.control.processes import copied_command
from podium.control.processes.child_processes import Children, ProcessFailed
from podium.control import cli

logs = Path(sys.argv[1])
"""


def told(tmp_path: Path, code: str) -> object:
    """Return what a process tells, in JSON, of the commands that it has run."""
    words = [sys.executable, "-c", RUNS + textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_command_runs_in_the_copy_with_all_that_is_imported(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        def main():
            print(sys.argv[1:], os.environ["PODIUM_RUN_ALLOWANCE"], "by", os.getpid())
            print("an error", file=sys.stderr)
            return 4
        cli.main = main  # what was imported, or changed, is there
        children = Children(copies={"up": copied_command.waiting_command()})
        child = children.start_podium("up", ["up", "facility.yaml"], logs)
        status = child.process.wait(30)
        print(json.dumps([status, child.process.pid, child.failure() is not None]))
        """,
    )
    status, pid, failed = found
    assert (status, failed) == (4, True)
    lines = (tmp_path / "up.log").read_text().splitlines()
    assert sorted(lines) == [f"['up', 'facility.yaml'] 600 by {pid}", "an error"]


def test_it_ends_as_other_children_do(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        def main():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(6))
            print("here", flush=True)
            while True:
                signal.pause()
        cli.main = main
        children = Children(copies={"up": copied_command.waiting_command()})
        child = children.start_podium("up", ["up"], logs)
        while "here" not in child.log.read_text():
            children.check()
        assert child.process.poll() is None
        asyncio.run(children.end())
        print(json.dumps([child.process.returncode, children.running == []]))
        """,
    )
    assert found == [6, True]


def test_its_input_ends_with_ours(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        cli.main = lambda: 8 if os.read(0, 1) == b"" else 9
        children = Children(copies={"up": copied_command.waiting_command()})
        child = children.start_podium("up", ["up"], logs)
        child.process.stdin.close()
        print(json.dumps(child.process.wait(30)))
        """,
    )
    assert found == 8


def test_a_copy_is_what_it_was_made_for_and_its_failure_is_told(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        async def complete(children):
            await children.complete("sample", ["check"], logs)
            after = [list(children.copies), children.running]
            try:
                await children.complete("twin", ["check", "facility.yaml"], logs)
            except ProcessFailed as failed:
                return [*after, list(children.copies), children.running, str(failed)]
        cli.main = lambda: (print("by a copy") or 0) if len(sys.argv) == 2 else 5
        copies = {name: copied_command.waiting_command() for name in ("sample", "twin")}
        print(json.dumps(asyncio.run(complete(Children(copies=copies)))))
        """,
    )
    assert found[:4] == [["twin"], [], [], []]
    assert "the process twin ended with status 5" in found[4]
    assert (tmp_path / "sample.log").read_text() == "by a copy\n"


def test_a_demos_simulation_is_a_copy_that_has_imported_none_of_controls_work(
    tmp_path: Path,
) -> None:
    found = told(
        tmp_path,
        """
        def waiting():
            known.append([n for n in sys.modules if n.startswith("podium.") or "." not in n])
        known = []
        copied_command.waiting_command = waiting
        status = cli.main(["demo", "--facility", str(logs / "missing.yaml")])
        print(json.dumps([status, known]))
        """,
    )
    status, known = found
    assert status == 2, "there is no such file"
    assert len(known) == 2, "one that draws the world, and one that serves it"
    rooms = {name.split(".")[2] for name in known[-1] if name.startswith("podium.control.")}
    assert rooms <= {"cli", "commands", "demo", "facility", "processes"}
    assert not any(name.startswith("podium.sim_instruments") for name in known[-1])
    assert {"numpy", "scipy"} <= set(known[-1])


def test_without_a_copy_an_interpreter_is_started(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        child = Children().start_podium("up", ["up", "--help"], logs)
        print(json.dumps(child.process.wait(60)))
        """,
    )
    assert found == 0
    assert "usage: podium up" in (tmp_path / "up.log").read_text()


def test_a_copy_that_nobody_needs_ends_with_the_children(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        """
        waiting = copied_command.waiting_command()
        children = Children(copies={"up": waiting})
        asyncio.run(children.end())
        print(json.dumps([children.copies, Path(f"/proc/{waiting.pid}").exists()]))
        """,
    )
    assert found == [{}, False]
