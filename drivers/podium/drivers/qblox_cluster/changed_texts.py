"""Replaces the texts of a loaded program, where nothing else of it changes: a packet a module."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from podium.drivers.qblox_cluster.slot_commands import ERRORS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram

ASSEMBLED = "STATus:ASSEMbler:SUCCess?"
"""Whether a module has assembled what it was sent last (qblox-instruments 1.4.1)."""
_ALL_BUT_TEXT = attrgetter(*(one.name for one in fields(SequencerProgram) if one.name != "text"))


def differs_in_texts(loaded: ClusterProgram, program: ClusterProgram) -> bool:
    """Return whether all that is set and uploaded for two programs is equal but for Q1ASM."""
    return (
        loaded.modules == program.modules
        and loaded.start == program.start
        and len(loaded.sequencers) == len(program.sequencers)
        and all(
            _ALL_BUT_TEXT(one) == _ALL_BUT_TEXT(other)
            for one, other in zip(loaded.sequencers, program.sequencers, strict=True)
        )
    )


def changed(loaded: ClusterProgram, program: ClusterProgram) -> list[SequencerProgram]:
    """Return the sequencers of ``program`` that have another text."""
    pairs = zip(loaded.sequencers, program.sequencers, strict=True)
    return [new for old, new in pairs if old.text != new.text]


def replace_texts(cluster: Any, slots: Sequence[int], entries: Sequence[SequencerProgram]) -> bool:
    """Send programs; return whether all were assembled and no error waits, older ones included.

    ``slots``: the modules to be asked, those of ``entries`` among them.
    """
    scpi = cluster._scpi

    async def on(slot: int) -> bool:
        here = [entry for entry in entries if entry.slot == slot]
        lines = [f"{ERRORS}\n".encode()]
        for entry in here:
            # The vendor's client sends it so, without the last line's end.
            text = entry.text.rstrip("\n").encode("ascii")
            size = str(len(text))
            head = f"SEQuencer{entry.sequencer}:PROGram #{len(size)}{size}"
            lines += [head.encode(), text, b"\n"]
            # Of several programs it has the status of the last alone.
            lines.append(f"{ASSEMBLED}\n".encode())
        lines.append(f"{ERRORS}\n".encode())
        async with scpi._slot_connection(slot) as connection:
            transport = connection._transport
            await transport.write_binary(b"".join(lines))
            told = [int(await transport.readline()) for _ in range(len(here) + 2)]
        return not told[0] and not told[-1] and all(told[1:-1])

    async def on_cluster() -> bool:
        async with scpi._connection() as connection:
            transport = connection._transport
            await transport.write(ERRORS)
            return not int(await transport.readline())

    async def on_all() -> list[bool]:
        return await asyncio.gather(on_cluster(), *map(on, slots))

    return all(cluster._run_in_loop(on_all()))
