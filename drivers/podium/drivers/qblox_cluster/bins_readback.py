"""Reads the bins of several sequencers with one packet to each module, without their scopes.

qblox-instruments 1.4.1 asks sequencer by sequencer, and turns 32,768 samples of a scope that
nobody wants into floats for each acquisition (``native/cluster.py``, ``_get_acq_acquisitions``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SCOPE_BLOCKS = 6
"""Of each acquisition of a QRM: samples, whether it clipped, and how often averaged, of two
paths (ditto, ``_read_acquisition_raw_data``)."""
BIN = np.dtype(
    [
        ("valid", np.uint64),
        ("path0", np.int64),
        ("path1", np.int64),
        ("threshold", np.uint32),
        ("count", np.uint32),
    ]
)
"""One bin on the wire (ditto, ``_read_bin_raw_data``)."""
SAMPLE_MAX = 1 << 11
"""Full scale of a binned sample, which is scaled twice (``BINNED_ACQUISITION_BIT_WIDTH_QRM``)."""

Acquisitions = dict[str, dict[str, Any]]


def read_bins(cluster: Any, sequencers: Sequence[tuple[int, int]]) -> list[Acquisitions]:
    """Return the bins of sequencers of QRMs as ``get_all_acquisitions`` does, without scopes."""
    by_slot: dict[int, list[int]] = {}
    for slot, number in sequencers:
        by_slot.setdefault(slot, []).append(number)
    scpi = cluster._scpi

    async def on(slot: int, numbers: Sequence[int]) -> list[Acquisitions]:
        async with scpi._slot_connection(slot) as connection:
            transport = connection._transport
            lines = "".join(f"SEQuencer{number}:ACQ:ALISt?\n" for number in numbers)
            await transport.write_binary(lines.encode())
            return [await _acquisitions(transport) for _ in numbers]

    async def on_all() -> list[list[Acquisitions]]:
        return await asyncio.gather(*(on(slot, some) for slot, some in by_slot.items()))

    read: Mapping[int, Any] = dict(
        zip(by_slot, map(iter, cluster._run_in_loop(on_all())), strict=True)
    )
    return [next(read[slot]) for slot, _ in sequencers]


async def _acquisitions(transport: Any) -> Acquisitions:
    found: Acquisitions = {}
    for _ in range(int.from_bytes(await _block(transport), "little")):
        name = (await _block(transport)).decode()
        index = int.from_bytes(await _block(transport), "little")
        for _ in range(SCOPE_BLOCKS):
            await _block(transport)
        bins = _bins(await _block(transport))
        found[name] = {"index": index, "acquisition": {"bins": bins}}
    await transport.read_binary(2)  # the end of the line
    return found


async def _block(transport: Any) -> bytes:
    head: bytes = await transport.read_binary(2)
    if head[:1] != b"#":
        raise ValueError(f"invalid literal: a block begins with #, got {head!r}: header error")
    size = int(await transport.read_binary(int(head[1:])))
    content: bytes = await transport.read_binary(size) if size else b""
    return content


def _bins(content: bytes) -> dict[str, Any]:
    bins = np.frombuffer(content, BIN)
    count, valid = bins["count"], bins["valid"] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        often = np.where(count > 0, count, 1)
        paths = {
            path: np.where(valid, bins[path] / often / SAMPLE_MAX**2, np.nan)
            for path in ("path0", "path1")
        }
        above = np.where(valid, bins["threshold"] / often, np.nan)
    return {"integration": paths, "threshold": above, "avg_cnt": np.where(valid, count, 0)}
