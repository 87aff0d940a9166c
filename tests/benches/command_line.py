"""``podium`` in this process: a process of its own spends a second on imports."""

import asyncio
import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

from podium.control import cli


def podium_here(*words: object) -> CompletedProcess[str]:
    """Run a command that ends by itself; also within a running event loop.

    Where processes are what is tested, ``tests.benches.nodes.podium_up.podium`` starts one.
    """
    said, out, err = [str(word) for word in words], io.StringIO(), io.StringIO()

    def main() -> int:
        try:
            return cli.main(said)
        except SystemExit as ended:
            return int(ended.code or 0)

    with redirect_stdout(out), redirect_stderr(err):
        if _a_loop_runs():
            with ThreadPoolExecutor(1) as thread:
                status = thread.submit(main).result()
        else:
            status = main()
    return CompletedProcess(said, status, out.getvalue(), err.getvalue())


def _a_loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def answer_of(*words: object) -> str:
    """Return what a command answers that is expected to succeed."""
    said = podium_here(*words)
    assert said.returncode == 0, said.stderr
    return said.stdout


def draw_world(facility: object, twin: object, *options: object) -> None:
    """Write the twin file of a facility, as ``podium twin sample`` does."""
    answer_of("twin", "sample", facility, *options, "--out", twin)


def values_of(*words: object) -> dict[str, float]:
    """Return what ``podium twin truth WORDS --quick`` answers, by name, SI units.

    All but the assignment fidelities, which take a second or two.
    """
    said = answer_of("twin", "truth", *words, "--quick", "--json")
    told: dict[str, dict[str, float]] = json.loads(said)
    return {name: one["value"] for name, one in told.items()}
