"""Turns an emulator's answer into a view of what machine code plays."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.qblox.rounding import FULL_SCALE_WORD
from podium.control.pictures.view import Lane, Opening, Stretch, View
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram

MACHINE_CODE = "machine code"


def played_view(
    meant: View, artifacts: Mapping[str, ClusterProgram], told: Mapping[str, Any], number: int
) -> View:
    """Return the shot that an emulator told in its span ``number``, lane by lane as ``meant``.

    ``told``: by cluster, what ``podium twin emulate`` answered for its artifact.
    """
    frames = {
        entry.frame: (entry, said)
        for cluster, artifact in artifacts.items()
        for entry, said in zip(artifact.sequencers, told[cluster]["sequencers"], strict=True)
    }
    return View(
        MACHINE_CODE,
        meant.duration_ns,
        tuple(
            _lane(lane, *frames[lane.frame], number, meant.duration_ns)
            if lane.frame in frames
            else replace(lane, stretches=(), openings=())
            for lane in meant.lanes
        ),
    )


def _lane(
    lane: Lane, entry: SequencerProgram, said: Mapping[str, Any], number: int, duration_ns: int
) -> Lane:
    span = said["spans"][number]
    pieces = [_samples(piece) for piece in said["pieces"]]
    stretches = []
    for start_ns, index, turns in span["stretches"]:
        piece = said["pieces"][index]
        begins_ns = max(0, start_ns)
        # a level may have begun in the shot before, and go on in the next
        samples = pieces[index][begins_ns - start_ns : duration_ns - start_ns]
        late = turns + piece["nco_hz"] * 1e-9 * (begins_ns - start_ns)
        stretches.append(
            Stretch(
                begins_ns,
                samples,
                (late - lane.carrier_turns(begins_ns)) % 1.0,
                lane.lo_hz + piece["nco_hz"],
                _made(len(piece["i"]) - (begins_ns - start_ns), len(samples)),
            )
        )
    names = {one.index: one.name for one in entry.acquisitions}
    openings = tuple(
        Opening(
            start_ns,
            entry.integration_ns,
            names.get(acquisition, f"acquisition {acquisition}"),
            lane.lo_hz + nco_hz,
            turns % 1.0,
            bin=bin_,
        )
        for start_ns, nco_hz, turns, acquisition, bin_ in span["captures"]
    )
    switch = tuple((int(begin), int(end)) for begin, end in span["switch"])
    return replace(
        lane,
        stretches=tuple(sorted(stretches, key=lambda one: one.start_ns)),
        openings=openings,
        switch=switch,
    )


def _samples(piece: Mapping[str, Any]) -> NDArray[np.complex128]:
    """Return all samples of a piece, the level that is held after its words as well."""
    words = np.full(piece["duration_ns"], complex(*piece["level"]), np.complex128)
    words[: len(piece["i"])] = np.array(piece["i"]) + 1j * np.array(piece["q"])
    return np.asarray(words / FULL_SCALE_WORD)


def _made(words: int, count: int) -> str:
    """Say how ``count`` samples are made of which ``words`` are left of a waveform."""
    if words <= 0:
        return f"offset {count} ns"
    return f"waveform {words} ns, then offset" if words < count else f"waveform {count} ns"
