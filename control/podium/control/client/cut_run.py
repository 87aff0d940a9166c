"""Runs programs whose branches depend on results that no wire carries: shot by shot, in parts.

Each part of a shot is a run of its own; between two parts the client carries results, and decides
which branch the next part is made of. What qubits hold waits meanwhile, and decays: how long it
waited is in the data, and what that cost, by the lifetimes that are known.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.control.client.lab_queue import LabQueue
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.slow_branches import (
    CannotCut,
    Places,
    ProgramPart,
    ShotState,
    SlowCondition,
    after,
    check_cuts,
    controllers_of,
    next_part,
    slow_conditions,
    without_wires,
)
from podium.control.facility.facility import Facility
from podium.control.parameters.entry import ParameterEntry, ParameterRecord
from podium.control.program.program import Capture, Program, walk
from podium.control.program.serialise import to_json
from podium.control.program.validate import ProgramError, validate
from podium.control.records.run_attributes import first_shot_fs
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.control.timebase.lead_time import SHORTEST_FS
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, OffGridError

if TYPE_CHECKING:
    import xarray

HELD_S = 3600.0
"""Nodes of a run that is cut are kept for it so long at most."""
LATENCY = "slow_branch_latency"
"""Quantity of the facility: how long a cut takes, s."""
ROUTINE = "run_cut"
TRIES = 8
"""A shot of which a part fails, as where its start came too late, is made again so often."""
RunPart = Callable[[Program], Awaitable["xarray.Dataset"]]


@dataclass(slots=True)
class ShotRecord:
    """Collects one shot: values of captures, waits at cuts, its runs."""

    values: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    """By capture: i and q (V), and the result; -1 where there is none."""
    waited_fs: list[int] = field(default_factory=list)
    """Of each cut, from the end of one part to the beginning of the next."""
    runs: list[str] = field(default_factory=list)
    ended_fs: int = 0
    """When its last part ended, TAI."""
    attributes: dict[str, str | int | float] = field(default_factory=dict)
    """What the last part's data say of where they come from."""


def latency_name(facility: Facility) -> str:
    """Return the name under which the time that a cut takes is stored."""
    return f"{facility.name}.{LATENCY}"


def slow_text(slow: Sequence[SlowCondition], takes_s: float | None = None) -> str:
    """Return in words which results would have to travel, and how much time is missing."""
    parts = []
    for one in slow:
        names, left_s = ", ".join(one.condition.captures), one.left_fs / FS_PER_S
        text = (
            f"{names} measured at {' and '.join(one.measured_at)}, needed at "
            f"{' and '.join(one.needed_at)} {one.left_fs / FS_PER_NS:.0f} ns after the window"
        )
        if takes_s is not None and takes_s > left_s:
            text += f": {takes_s - left_s:.3g} s are missing"
        parts.append(text)
    return "; ".join(parts)


async def run_cut(
    facility: Facility,
    program: Program,
    run_part: RunPart,
    queue: LabQueue,
    longest_wait_s: float,
    store: Path | str | None,
) -> "xarray.Dataset":
    """Run ``program`` in parts by ``run_part``, on nodes kept for it: see :meth:`.Lab.run_cut`."""
    from podium.control.parameters.store import ParameterStore  # heavy: SQLAlchemy

    nodes = sorted({frame.port.partition(".")[0] for frame in program.frames})
    begin_s = time.time()
    places = await asyncio.to_thread(places_of, facility, program)
    with ParameterStore(store or ":memory:") as known:
        cut = CutRun(program, places, run_part, longest_wait_s)
        latency = known.get(latency_name(facility))
        check_slow(cut.slow, latency, longest_wait_s, program.name)
        lifetimes = known_lifetimes(facility, program, known)
        why = f"{program.name}: qubits wait between its parts"
        held = await queue.reserve(*nodes, begins_s=begin_s, ends_s=begin_s + HELD_S, why=why)
        try:
            shots = await cut.shots()
        finally:
            with suppress(RunError):
                await asyncio.shield(queue.give_back(held.id))
        attributes = {**shots[-1].attributes, "program": program.name}
        attributes["program_json"] = await asyncio.to_thread(to_json, program)
        attributes["made_again"] = cut.made_again
        if any(one.waited_fs for one in shots):
            known.put([latency_entry(facility, shots, attributes)])
    return cut_dataset(program, cut.slow, shots, attributes, lifetimes)


def places_of(facility: Facility, program: Program) -> Places:
    """Return which controller plays each frame."""
    from podium.control.families.family import families_of

    families = families_of(facility)
    ports = {name: frozenset(one.ports[name]) for name, one in families.items()}
    return controllers_of(program, ports)


def wires_of(facility: Facility) -> frozenset[tuple[str, str]]:
    """Return from which controller to which one a line carries results."""
    lines = facility.timing.result_lines.values()
    return frozenset((one.output.instrument, one.input.instrument) for one in lines)


def refuse_slow(facility: Facility, program: Program) -> None:
    """Raise ``RunRefused`` where results would have to travel and no line of the facility carries
    them, with the time that is missing.

    A program that is wrong in another way goes on: whoever compiles it will say so.
    """
    try:
        validate(program)
        every = slow_conditions(program, places_of(facility, program))
        slow = without_wires(every, wires_of(facility))
    except (ProgramError, DoesNotFit, OffGridError):
        return
    if slow:
        raise RunRefused(
            f"{program.name}: no wire carries {slow_text(slow, SHORTEST_FS / FS_PER_S)}. A run "
            f"more takes {SHORTEST_FS / FS_PER_S:.3g} s at least: cut it at such branches "
            "(lab.run_cut, podium run --cut)"
        )


def check_slow(
    slow: Sequence[SlowCondition],
    known: ParameterEntry | None,
    longest_wait_s: float,
    name: str,
) -> None:
    """Raise ``RunRefused`` where a cut takes longer than a program may wait, with what is missing.

    ``known``: the measured latency; where it is not, the first cut will tell.
    """
    if known is not None and known.value > longest_wait_s:
        raise RunRefused(
            f"{name}: no wire carries {slow_text(slow)}. By the client it takes {known.value:.3g} "
            f"± {known.sigma:.1g} s (measured by {known.routine}), and {longest_wait_s:.3g} s are "
            f"allowed: {known.value - longest_wait_s:.3g} s are missing"
        )


class CutRun:
    """Plays a program shot by shot, each cut where a result has to travel."""

    def __init__(
        self, program: Program, places: Places, run_part: RunPart, longest_wait_s: float = math.inf
    ) -> None:
        """Raise ``RunRefused`` for a program that cannot be cut, or need not be."""
        try:
            validate(program)
            check_cuts(program)
            self.slow = slow_conditions(program, places)
        except (CannotCut, ProgramError) as error:
            raise RunRefused(str(error)) from error
        if not self.slow:
            raise RunRefused(
                f"{program.name} has no condition on results of another controller: run it whole"
            )
        self._program = program
        self._places = places
        self._run_part = run_part
        self._longest_wait_s = longest_wait_s
        self.made_again = 0
        """Shots that were begun anew, since a part of them failed."""

    async def shots(self) -> list[ShotRecord]:
        """Return all shots; raises ``RunError``."""
        return [await self._shot_at_last(number) for number in range(self._program.shots)]

    async def _shot_at_last(self, number: int) -> ShotRecord:
        for _ in range(TRIES - 1):
            try:
                return await self._shot(number)
            except RunFailed:
                self.made_again += 1
        return await self._shot(number)

    async def _shot(self, number: int) -> ShotRecord:
        record, state, rest = ShotRecord(), ShotState(), self._program.body
        while rest:
            try:
                part = next_part(self._program, rest, state, self._places)
            except CannotCut as error:
                raise RunRefused(str(error)) from error
            found = await self._part(part, record, number)
            state = after(part, state, found)
            rest = part.rest
        return record

    async def _part(self, part: ProgramPart, record: ShotRecord, number: int) -> dict[str, int]:
        """Play a part and note what it found; returns the results of its captures."""
        if part.program is None:
            return {}
        data = await self._run_part(part.program)
        began_fs = first_shot_fs(data, part.program.settle_fs)
        if record.runs:
            self._note_wait(record, began_fs - record.ended_fs, number)
        record.runs.append(str(data.attrs["run"]))
        record.ended_fs = began_fs + part.length_fs
        record.attributes = dict(data.attrs)
        found: dict[str, int] = {}
        for name in part.captures:
            i, q = (float(np.ravel(data[f"{name}_{one}"].values)[0]) for one in "iq")
            result = -1
            if f"{name}_outcome" in data and not np.isnan(i):
                result = round(float(np.ravel(data[f"{name}_outcome"].values)[0]))
                found[name] = result
            if not np.isnan(i):
                record.values[name] = (i, q, result)
        return found

    def _note_wait(self, record: ShotRecord, waited_fs: int, number: int) -> None:
        record.waited_fs.append(waited_fs)
        if waited_fs > self._longest_wait_s * FS_PER_S:
            waited_s = waited_fs / FS_PER_S
            raise RunRefused(
                f"{self._program.name}, shot {number}: what was kept waited {waited_s:.3g} s for "
                f"{slow_text(self.slow)}; {self._longest_wait_s:.3g} s are allowed: "
                f"{waited_s - self._longest_wait_s:.3g} s are missing"
            )


def cut_dataset(
    program: Program,
    slow: Sequence[SlowCondition],
    shots: Sequence[ShotRecord],
    attributes: Mapping[str, str | int | float],
    lifetimes: Mapping[str, tuple[float | None, float | None]],
) -> "xarray.Dataset":
    """Return the data of a run in parts: as of any run, with what was waited for.

    Captures over ``shot``: ``<capture>_i``, ``_q`` (V), ``_outcome`` (NaN where one was not made);
    ``waited`` over ``shot`` and ``cut`` (s, NaN where a shot had fewer cuts). ``attrs["waits"]``
    (JSON) has mean and longest wait, and by qubit the part of an excitation and of a phase that is
    kept on the mean, by the T1 and T2 that are known: ``lifetimes`` (s).
    """
    import xarray

    variables: dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]] = {}
    made = dict.fromkeys(s.name for _, s in walk(program.body) if isinstance(s, Capture))
    for name in made:
        rows = [one.values.get(name, (np.nan, np.nan, -1)) for one in shots]
        for place, word in enumerate(("i", "q")):
            values = np.array([row[place] for row in rows])
            variables[f"{name}_{word}"] = (("shot",), values, {"units": "V", "out_of_range": 0})
        results = np.array([row[2] if row[2] >= 0 else np.nan for row in rows], float)
        if not np.isnan(results).all():
            variables[f"{name}_outcome"] = (("shot",), results, {"units": "1"})
    cuts = max((len(one.waited_fs) for one in shots), default=0)
    waited = np.full((len(shots), cuts), np.nan)
    for row, one in zip(waited, shots, strict=True):
        row[: len(one.waited_fs)] = np.array(one.waited_fs, float) / FS_PER_S
    variables["waited"] = (("shot", "cut"), waited, {"units": "s"})
    said = {
        "mean_s": float(np.nanmean(waited)) if waited.size else 0.0,
        "longest_s": float(np.nanmax(waited)) if waited.size else 0.0,
        "conditions": [slow_text((one,)) for one in slow],
        "kept": {name: kept(waited, *times) for name, times in lifetimes.items()},
    }
    runs = json.dumps([one.runs for one in shots])
    return xarray.Dataset(
        variables, None, {**attributes, "waits": json.dumps(said), "part_runs": runs}
    )


def kept(
    waited_s: NDArray[np.float64], t1_s: float | None, t2_s: float | None
) -> dict[str, float | None]:
    """Return which part of an excitation and of a phase is kept over all cuts, on the mean.

    None where the lifetime is not known.
    """
    total = np.nansum(waited_s, axis=1)
    return {
        word: None if time is None else float(np.mean(np.exp(-total / time)))
        for word, time in (("excitation", t1_s), ("phase", t2_s))
    }


def known_lifetimes(
    facility: Facility, program: Program, record: ParameterRecord | None
) -> dict[str, tuple[float | None, float | None]]:
    """Return T1 and T2 (s; Ramsey's, else the echo's) of the qubits of a program, as measured."""
    played = {frame.port.rpartition(".")[0] for frame in program.frames}

    def value(name: str) -> float | None:
        entry = None if record is None else record.get(name)
        return None if entry is None else entry.value

    return {
        name: (value(f"{name}.t1"), value(f"{name}.t2_ramsey") or value(f"{name}.t2_echo"))
        for name in facility.qubits()
        if name in played
    }


def latency_entry(
    facility: Facility, shots: Iterable[ShotRecord], attributes: Mapping[str, object]
) -> ParameterEntry:
    """Return the time that a cut took, on the mean, as the parameter store keeps it.

    Its sigma is the spread of single cuts: what the next one takes is known no better.
    """
    waits = np.array([fs / FS_PER_S for one in shots for fs in one.waited_fs])
    mean = float(waits.mean())
    spread = float(waits.std(ddof=1)) if waits.size > 1 else mean
    return ParameterEntry(
        latency_name(facility),
        mean,
        max(spread, 1e-9),
        "s",
        str(attributes["run"]),
        ROUTINE,
        float(str(attributes["started_tai_s"])),
        int(str(attributes["epoch"])),
    )
