"""The simulated laboratory, as the demo uses it: by its command line, from outside."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from podium.control.demo.children import Child, Children, ProcessFailed, call, podium
from podium.control.demo.comparison import Truth
from podium.control.demo.together.tagged import Edges


async def draw_world(facility: Path, seed: int, twin: Path) -> None:
    """Draw a hidden world into the file ``twin``; raises ``ProcessFailed``."""
    words = podium("twin", "sample", facility, "--seed", seed, "--out", twin)
    await call("podium twin sample", words)


async def serve(children: Children, facility: Path, twin: Path, endpoints: Path) -> Child:
    """Start the twins; returns once all of them listen. Raises ``ProcessFailed``."""
    await asyncio.to_thread(endpoints.unlink, missing_ok=True)
    words = podium("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
    words.append("--with-parent")
    child = children.start("twin", words, endpoints.parent / "logs")
    await children.wait_for(endpoints)
    return child


async def told_truth(twin: Path) -> dict[str, Truth]:
    """Return the hidden truth of a twin file, by parameter name; raises ``ProcessFailed``."""
    told = json.loads(await call("podium twin truth", podium("twin", "truth", twin, "--json")))
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


async def told_edges(endpoints: Path) -> list[Edges]:
    """Return what left which connector when, as the simulation tells it; empty if it does not."""
    words = podium("twin", "played", "--endpoints", endpoints)
    with suppress(ProcessFailed, ValueError, KeyError):
        told = [json.loads(line) for line in (await call("podium twin played", words)).splitlines()]
        return [
            Edges(one["instrument"], one["connector"], tuple(map(int, one["at_fs"])))
            for one in told
        ]
    return []
