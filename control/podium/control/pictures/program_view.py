"""Turns a program into a view of each shot: pulses, windows and carriers at one point."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.guards import taken, told
from podium.control.compilers.qblox.place import (
    FrameTimeline,
    PlacedCapture,
    PlacedPlay,
    PlacedShift,
    PlacedTuning,
    Timeline,
)
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    FluxChannel,
    ReadoutChannel,
    ZurichTarget,
)
from podium.control.pictures.view import Lane, Opening, PulseStretch, Tuning, View
from podium.control.program.envelopes import first_sample, sample_envelope
from podium.firmware_interfaces.exact_time import FS_PER_NS

Point = tuple[int, ...]
PROGRAM = "program"


def meant_view(
    timeline: Timeline,
    targets: Mapping[str, QbloxTarget | ZurichTarget],
    point: Point,
    late_fs: Mapping[str, int] | None = None,
    results: Mapping[str, int] | None = None,
) -> View:
    """Return the shot at ``point`` (one index for each axis) as the program means it.

    ``results``: by capture, what is measured each time (0 where it is not named): what depends on
    something else is left out. None: everything is shown.

    ``targets``: by cluster, or instrument; ``late_fs``: by cluster, how much later than whole
    nanoseconds all of it comes (see ``first_sample``). Frames without pulses and windows are left
    out.
    """
    lanes = [
        _lane(_of(frame, results), targets, point, late_fs or {})
        for frame in timeline.frames
        if frame.heard
    ]
    return View(PROGRAM, int(at(timeline.shot_ns, point)), tuple(lanes))


def _of(frame: FrameTimeline, results: Mapping[str, int] | None) -> FrameTimeline:
    """Return what happens on a frame where ``results`` are measured."""
    if results is None or not frame.guarded:
        return frame
    happens = tuple(
        item
        for item in frame.placed
        if isinstance(item, PlacedTuning) or taken(item.guard, results)
    )
    return replace(frame, placed=happens)


def at(values: NDArray[Any], point: Point) -> Any:
    """Return the value of an array that broadcasts to the axes, at one point."""
    index = tuple(0 if n == 1 else i for n, i in zip(values.shape, point, strict=True))
    return values[index]


def _connector(port: PortTarget | Channel) -> str:
    """Return the connector behind the name of its controller, as facility files have it."""
    match port:
        case DriveChannel():
            return f".sg{port.channel}"
        case ReadoutChannel():
            return f".qa{port.channel}_out"
        case FluxChannel():
            return f".sigout{port.channel}"
        case PortTarget():
            return f" slot{port.slot}.{port.output}"


def _stretch(item: PlacedPlay, point: Point, rest_fs: int, frequency_hz: float) -> PulseStretch:
    """Return a pulse at one point, of a shot that comes ``rest_fs`` later than the grid."""
    begun_fs = int(at(item.start_ns, point)) * FS_PER_NS
    if item.late_fs is not None:
        begun_fs += int(at(item.late_fs, point))
    first_ns, later_fs = first_sample(item.waveform, begun_fs, rest_fs)
    envelope = sample_envelope(item.waveform, later_fs)
    return PulseStretch(
        first_ns,
        np.asarray(float(at(item.amplitude, point)) * envelope),
        float(at(item.turns, point)) % 1.0,
        frequency_hz,
        f"{type(item.waveform).__name__} {len(envelope)} ns",
        item.statement,
        told(item.guard),
    )


def _lane(
    frame: FrameTimeline,
    targets: Mapping[str, QbloxTarget | ZurichTarget],
    point: Point,
    late_fs: Mapping[str, int],
) -> Lane:
    name = frame.frame.port
    cluster = next((one for one, target in targets.items() if name in target.ports), None)
    port = None if cluster is None else targets[cluster].ports[name]
    tunings = [Tuning(0, frame.frame.frequency_hz)]
    tunings += [
        Tuning(int(at(item.start_ns, point)), float(at(item.frequency_hz, point)))
        for item in frame.placed
        if isinstance(item, PlacedTuning)
    ]
    tunings.sort(key=lambda one: one.since_ns)
    shell = Lane(
        frame.frame.name,
        name,
        "" if port is None else f"{cluster}{_connector(port)}",
        0.0 if port is None or isinstance(port, FluxChannel) else port.lo_hz,
        tuple(tunings),
        (),
        (),
    )
    stretches, openings = [], []
    for item in frame.placed:
        start_ns = int(at(item.start_ns, point))
        frequency_hz = [one.frequency_hz for one in tunings if one.since_ns <= start_ns][-1]
        match item:
            case PlacedPlay():
                rest_fs = late_fs.get(cluster or "", 0)
                stretches.append(_stretch(item, point, rest_fs, frequency_hz))
            case PlacedCapture():
                turns = float(at(item.turns, point)) + shell.carrier_turns(start_ns)
                openings.append(
                    Opening(
                        start_ns,
                        item.duration_ns,
                        item.name,
                        frequency_hz,
                        turns % 1.0,
                        item.statement,
                        condition=told(item.guard),
                    )
                )
            case PlacedTuning() | PlacedShift():
                pass
    return Lane(
        shell.frame,
        shell.port,
        shell.connector,
        shell.lo_hz,
        shell.tunings,
        tuple(stretches),
        tuple(openings),
    )
