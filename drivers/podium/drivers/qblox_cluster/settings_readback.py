"""Reads all settings that a cluster's modules report: one round trip for each module, at once."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from podium.drivers.qblox_cluster.settings import OUTPUTS, TAG_CHANNELS
from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS

OSCILLATORS = {"QRM-RF": (1,), "QCM-RF": (0, 1), "QCM": (), "QTM": ()}
"""Numbers of the local oscillators in a module's commands (qblox-instruments 1.4.1)."""


def read_all(cluster: Any, modules: Mapping[int, str]) -> dict[str, object]:
    """Return every setting by name, e.g. ``slot2.seq0.nco.freq_hz``; nothing is set."""

    async def of_module(slot: int, kind: str) -> dict[str, object]:
        queries = _queries(kind)
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


async def _reply(transport: Any) -> str:
    first: bytes = await transport.read_binary(1)
    if first != b"#":
        return first.decode() + str(await transport.readline()).strip()
    digits = int(await transport.read_binary(1))
    content: bytes = await transport.read_binary(int(await transport.read_binary(digits)))
    await transport.readline()
    return content.decode()


def _queries(kind: str) -> list[str]:
    found: list[str] = []
    for number in OSCILLATORS[kind]:
        found += [f"STATus:QUEStionable:FREQuency:LO{number}?", f"LO{number}:ENAble?"]
    if kind.endswith("RF"):
        found += [f"AFE:ATT:OUT{number}?" for number in range(OUTPUTS[kind])]
    else:
        found += [f"AFE:OFFSet:DAC{number}?" for number in range(OUTPUTS[kind])]
    if kind == "QRM-RF":
        found.append("AFE:ATT:IN0?")
    if kind == "QTM":
        found += [f"IO:CHANnel{number}:CONFig?" for number in range(TAG_CHANNELS)]
        found += [f"QUAD{number}:CONFig?" for number in range(TAG_CHANNELS // 4)]
        return found + [f"SEQuencer{number}:CONFiguration?" for number in range(TAG_CHANNELS)]
    for number in range(SEQUENCERS):
        found += [f"SEQuencer{number}:CONFiguration?", f"SEQuencer{number}:CHANnelmap?"]
        if kind.startswith("QRM"):
            found.append(f"SEQuencer{number}:ACQ:CHANnelmap?")
    return found


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
