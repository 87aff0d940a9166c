"""The time-tag modules of a cluster: what their windows held, and outputs that stand still."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qblox_cluster.connection import asking
from podium.drivers.qblox_cluster.settings import TAG_CHANNELS, Setting
from podium.drivers.roles import Acquired, Tags
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.qblox_cluster.program import (
    ClusterProgram,
    ResultLayout,
    SequencerProgram,
)

SUBS_PER_NS = 2048
"""Unit of a time difference: 1/2048 ns."""


def read_tags(
    name: str, cluster: Any, program: ClusterProgram, modules: Mapping[int, str]
) -> dict[str, Tags]:
    """Return all windows of a program by place and acquisition: ``slot10.io2.start``."""
    found: dict[str, Tags] = {}
    for entry in program.sequencers:
        if modules.get(entry.slot) != "QTM" or not entry.acquisitions:
            continue
        place = f"slot{entry.slot}.io{entry.sequencer}"
        with asking(name, f"reading the tags of {place}"):
            read = cluster.get_acquisitions(entry.slot, entry.sequencer, as_numpy=True)
        found |= {f"{place}.{key}": tags for key, tags in _of_one(name, place, entry, read)}
    return found


def _of_one(
    name: str, place: str, entry: SequencerProgram, read: Mapping[str, Any]
) -> list[tuple[str, Tags]]:
    found: list[tuple[str, Tags]] = []
    for one in entry.acquisitions:
        try:
            bins = read[one.name]["acquisition"]["bins"]
            raw = {key: bins[key] for key in ("count", "timedelta", "threshold", "avg_cnt")}
        except KeyError as error:
            raise ProtocolError(
                f"{name}: {place}: asked for acquisition {one.name!r}, got {sorted(read)} "
                f"without {error}"
            ) from error
        windows = np.asarray(raw["avg_cnt"], np.int64)
        # The client divides what is summed in a bin by the number of windows.
        means = {
            key: np.where(windows > 0, np.nan_to_num(np.asarray(raw[key], np.float64)), 0)
            for key in ("count", "timedelta", "threshold")
        }
        counts, above = (np.rint(means[key] * windows) for key in ("count", "threshold"))
        delta_fs = np.rint(means["timedelta"] * (FS_PER_NS / SUBS_PER_NS))
        tags = Tags(windows, *(x.astype(np.int64) for x in (counts, delta_fs, above)))
        found.append((one.name, tags))
    return found


def clicks_acquired(name: str, layout: ResultLayout, tags: Tags) -> Acquired:
    """Return what one window of each shot held, by the tags of its acquisition.

    Raises ``ProtocolError`` where a window was not opened as often as the program opens it.
    """
    shape = (layout.shots, *layout.shape)
    windows, counts, delta_fs = (
        one[: math.prod(shape)].reshape(shape) for one in (tags.windows, tags.counts, tags.delta_fs)
    )
    missing = int(np.count_nonzero(windows != layout.most))
    if missing:
        raise ProtocolError(
            f"{name}: slot{layout.slot}.io{layout.sequencer}: {layout.capture}: {missing} of "
            f"{windows.size} bins hold another number of windows than {layout.most}: part of the "
            "program did not play"
        )
    first_s = np.where(counts > 0, delta_fs / FS_PER_S, np.nan)
    return Acquired(counts.astype(np.float64), first_s, windows, clicks=True)


def channel_of(name: str, modules: Mapping[int, str], channel: str) -> tuple[int, int]:
    """Return slot and number of a channel (``slot10.io3``); raises ``Refused``."""
    slot, _, socket = channel.partition(".")
    number = slot.removeprefix("slot")
    kind = modules.get(int(number)) if number.isdigit() else None
    if kind != "QTM" or socket not in {f"io{n}" for n in range(TAG_CHANNELS)}:
        there = [f"slot{n}.io0 ... io{TAG_CHANNELS - 1}" for n, k in modules.items() if k == "QTM"]
        raise Refused(
            f"{name}: {channel!r} is no digital output; channels of QTM modules are: "
            f"{', '.join(there) or 'none here'}"
        )
    return int(number), int(socket[2:])


def driven(slot: int, number: int, high: bool) -> Setting:
    """Return the setting that drives a channel, whatever its sequencer does."""
    return Setting(slot, None, f"io_channel{number}.mode", "force_on" if high else "force_off")


def is_high(name: str, cluster: Any, slot: int, number: int) -> bool:
    """Return whether a channel is at a high level, driven or heard."""
    with asking(name, f"reading the level of slot{slot}.io{number}"):
        component = cluster.submodules[f"module{slot}"].submodules[f"io_channel{number}"]
        return bool(component.is_above_threshold())
