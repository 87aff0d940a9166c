"""Uses the simulated laboratory by its command line, from outside."""

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.control.processes.child_processes import (
    SAMPLE,
    TWIN,
    Child,
    Children,
    ProcessFailed,
    call,
    podium,
)
from podium.control.report.comparison import Truth
from podium.control.report.multi_node.tagged_starts import Edges


async def draw_world(
    children: Children, facility: Path, seed: int, twin: Path, options: tuple[str, ...] = ()
) -> None:
    """Draw a hidden world into the file ``twin``; raises ``ProcessFailed``.

    ``options`` are those of ``podium twin sample``.
    """
    words = ("twin", "sample", facility, "--seed", seed, "--out", twin, *options)
    await children.complete(SAMPLE, words, twin.parent / "logs")


async def serve(
    children: Children,
    facility: Path,
    twin: Path,
    endpoints: Path,
    clock: str = "leap",
    instruments: tuple[str, ...] = (),
    rate: int = 1,
    *,
    split: bool = False,
) -> Child:
    """Start the twins of ``instruments``; returns once all of them listen.

    ``clock``, ``rate``, ``split``: as of ``podium twin serve``. Raises ``ProcessFailed``.
    """
    await asyncio.to_thread(endpoints.unlink, missing_ok=True)
    words = ["twin", "serve", facility, "--twin", twin, "--endpoints", endpoints]
    words += ["--clock", clock, *(() if rate == 1 else ("--rate", rate))]
    words += ["--split", "--with-parent"] if split else ["--with-parent"]
    child = children.start_podium(TWIN, words, endpoints.parent / "logs", instruments)
    await children.wait_for(endpoints, TwinProgress(child.log).show)
    return child


class ClockRate:
    """Sets how fast a paced clock goes, by a process that goes on: each change is quick."""

    def __init__(self, children: Children, endpoints: Path, rate: int) -> None:
        """``rate``: at which it goes now."""
        words = podium("twin", "rate", "-", "--endpoints", endpoints)
        self._child = children.start("rate", words, endpoints.parent / "logs")
        self._rate = rate

    def set(self, rate: int) -> None:
        """Let so many seconds pass in each of the wall's; raises ``ProcessFailed``."""
        if rate == self._rate:
            return
        sink = self._child.process.stdin
        try:
            if sink is not None:
                sink.write(b"%d\n" % rate)
                sink.flush()
        except OSError as error:
            raise self._child.failure() or ProcessFailed(f"podium twin rate: {error}") from error
        self._rate = rate


async def fault(endpoints: Path, name: str, on: str) -> None:
    """Make something go wrong, or put it right (``repair``); raises ``ProcessFailed``."""
    await call("podium twin fault", podium("twin", "fault", name, on, "--endpoints", endpoints))


class TwinProgress:
    """Shows on standard error what a simulation says of its compiling, which may take a minute."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._shown = 0

    def show(self) -> None:
        """Show the whole lines that have come since."""
        *lines, _ = self._log.read_text(errors="replace").split("\n")
        for line in lines[self._shown :]:
            if line.startswith(("compil", "could not compile")):
                print(f"twins: {line}", file=sys.stderr, flush=True)
        self._shown = len(lines)


async def told_truth(
    twin: Path | None, spans: Mapping[str, str] | None = None, endpoints: Path | None = None
) -> dict[str, Truth]:
    """Return the hidden truth, by parameter name; raises ``ProcessFailed``.

    Asked are the twins that listen at ``endpoints``, where they are given, else the file ``twin``:
    they tell the same, and the file costs a process of its own that imports all of the physics.

    ``spans``, of a world that drifts: the stretch of world time over which the truth of each
    parameter is the mean, ``START..END`` in TAI seconds. A parameter that is not in it has the
    truth of a world that stands still.
    """
    of = (str(twin),) if endpoints is None else ("--endpoints", str(endpoints), "--at-rest")
    truth = await _truth_at(of)
    moving = {name: span for name, span in (spans or {}).items() if name in truth}
    for more in (("--quick",), ()):  # an optimum takes a second to find: where one is asked for
        distinct = tuple(dict.fromkeys(moving.values()))
        answers = await _truths_at(of, distinct, more) if distinct else {}
        found = {n: answers[span][n] for n, span in moving.items() if n in answers[span]}
        truth |= found
        moving = {name: span for name, span in moving.items() if name not in found}
    return truth


async def _truth_at(of: Sequence[str]) -> dict[str, Truth]:
    words = podium("twin", "truth", *of, "--json")
    return _truths(json.loads(await call("podium twin truth", words)))


async def _truths_at(
    of: Sequence[str], at: Sequence[str], options: Sequence[str]
) -> dict[str, dict[str, Truth]]:
    """Return the truths at several times, by time."""
    times = (word for when in at for word in ("--at", when))
    words = podium("twin", "truth", *of, "--json", *options, *times)
    told = json.loads(await call("podium twin truth", words))
    return {at[0]: _truths(told)} if len(at) == 1 else {w: _truths(one) for w, one in told.items()}


def _truths(told: Mapping[str, Any]) -> dict[str, Truth]:
    return {name: Truth(float(one["value"]), str(one["unit"])) for name, one in told.items()}


async def lab_causes(endpoints: Path) -> dict[str, float]:
    """Return what world time was spent on so far, s, as the simulation tells it; empty if not.

    Keys as of ``podium twin time``: ``since_start_s`` all of it, ``running_s`` programs with
    their settling, ``leapt_s`` what nobody had to wait for.
    """
    with suppress(ProcessFailed, ValueError):
        told = json.loads(
            await call("podium twin time", podium("twin", "time", "--endpoints", endpoints))
        )
        return {str(name): float(value) for name, value in told.items() if name != "tai_s"}
    return {}


async def told_edges(endpoints: Path, connectors: Iterable[str]) -> list[Edges]:
    """Return what left connectors of these names when, as the simulation tells it.

    Empty if it does not.
    """
    these = [word for name in connectors for word in ("--connector", name)]
    words = podium("twin", "played", "--endpoints", endpoints, *these)
    with suppress(ProcessFailed, ValueError, KeyError):
        told = [json.loads(line) for line in (await call("podium twin played", words)).splitlines()]
        return [
            Edges(one["instrument"], one["connector"], tuple(map(int, one["at_fs"])))
            for one in told
        ]
    return []
