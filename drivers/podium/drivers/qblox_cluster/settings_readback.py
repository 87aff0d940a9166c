"""Reads settings that a cluster's modules report: one round trip for each module, at once."""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from podium.drivers.qblox_cluster.settings import OUTPUTS, TAG_CHANNELS
from podium.drivers.qblox_cluster.settings_cache import Place
from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS

OSCILLATORS = {"QRM-RF": (1,), "QCM-RF": (0, 1), "QCM": (), "QTM": ()}
"""Numbers of the local oscillators in a module's commands (qblox-instruments 1.4.1)."""


_What = tuple[int | None, bool]
"""The sequencer that a question is of, None: of none; and whether for its connections."""


def read_all(
    cluster: Any, modules: Mapping[int, str], places: Collection[Place] | None = None
) -> dict[str, object]:
    """Return every setting by name, e.g. ``slot2.seq0.nco.freq_hz``; nothing is set.

    ``places``: of these sequencers and modules alone; of a QTM, all of it where one is in it.
    """

    async def of_module(slot: int, kind: str) -> dict[str, object]:
        wanted = _wanted(slot, kind, places)
        queries = [query for what, query in _queries(kind) if wanted is None or what in wanted]
        if not queries:
            return {}
        async with cluster._scpi._slot_connection(slot) as connection:
            transport = connection._transport
            await transport.write("\n".join(queries))
            answers = [await _reply(transport) for _ in queries]
        found: dict[str, object] = {}
        for query, answer in zip(queries, answers, strict=True):
            _keep(found, f"slot{slot}.{_name(query)}", _value(answer))
        return found

    async def of_all() -> list[dict[str, object]]:
        return await asyncio.gather(*(of_module(*module) for module in modules.items()))

    parts = cluster._run_in_loop(of_all())
    return {name: value for part in parts for name, value in part.items()}


def _wanted(slot: int, kind: str, places: Collection[Place] | None) -> Collection[_What] | None:
    """Return what of a module is to be read, as :func:`_queries` says it; None: all."""
    if places is None:
        return None
    here = {(one.sequencer, one.connects) for one in places if one.slot == slot}
    return None if here and kind == "QTM" else here


async def _reply(transport: Any) -> str:
    first: bytes = await transport.read_binary(1)
    if first != b"#":
        return first.decode() + str(await transport.readline()).strip()
    digits = int(await transport.read_binary(1))
    content: bytes = await transport.read_binary(int(await transport.read_binary(digits)))
    await transport.readline()
    return content.decode()


def _queries(kind: str) -> Iterator[tuple[_What, str]]:
    """Yield what is asked of a module."""
    for number in OSCILLATORS[kind]:
        yield (None, False), f"STATus:QUEStionable:FREQuency:LO{number}?"
        yield (None, False), f"LO{number}:ENAble?"
    for number in range(OUTPUTS[kind]):
        yield (None, False), f"AFE:{'ATT:OUT' if kind.endswith('RF') else 'OFFSet:DAC'}{number}?"
    if kind == "QRM-RF":
        yield (None, False), "AFE:ATT:IN0?"
    if kind == "QTM":
        for number in range(TAG_CHANNELS):
            yield (number, False), f"IO:CHANnel{number}:CONFig?"
            yield (number, False), f"SEQuencer{number}:CONFiguration?"
        for number in range(TAG_CHANNELS // 4):
            yield (None, False), f"QUAD{number}:CONFig?"
        return
    for number in range(SEQUENCERS):
        yield (number, False), f"SEQuencer{number}:CONFiguration?"
        yield (number, True), f"SEQuencer{number}:CHANnelmap?"
        if kind.startswith("QRM"):
            yield (number, True), f"SEQuencer{number}:ACQ:CHANnelmap?"


def _name(query: str) -> str:
    words = query.rstrip("?").lower().replace("status:questionable:frequency:", "").split(":")
    return ".".join(words).replace("sequencer", "seq").replace(".configuration", "")


def _value(answer: str) -> object:
    try:
        value: object = json.loads(answer)
    except ValueError:
        return answer
    return value


def _keep(found: dict[str, object], name: str, value: object) -> None:
    """Lay mappings out flat, and what stands in lists of one; other lists stay, as text."""
    if isinstance(value, dict):
        for key, entry in value.items():
            _keep(found, f"{name}.{key}", entry)
    elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        _keep(found, name, value[0])
    else:
        found[name] = json.dumps(value) if isinstance(value, list) else value
