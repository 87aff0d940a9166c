"""Tomography of a Bell pair over a link, 9 settings x 10,000 shots: the world alone.

Both nodes' signals meet in the world as instruments hand them over: pi pulses, a sech photon and
its catch, a rotation that depends on the setting, both readouts. The compiler, the instruments'
machine code and the wires are not in it.
"""

import resource
import time
from itertools import product

import numpy as np
from numpy.typing import NDArray
from tests.benches.physics.linked_nodes import (
    BANDWIDTH_HZ,
    PERIOD_NS,
    PULSE_NS,
    READOUT_NS,
    SIDEBAND_NS,
    feedline_of,
    link_of,
    nodes,
    sideband_hz,
)
from tests.benches.physics.small_chip import NONE, hann, pi_amplitude

from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.sech_photon import sideband
from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

SETTINGS = tuple(product("xyz", repeat=2))
SHOTS = 10_000
TURNS = {"x": 0.0, "y": 0.25}
"""Of the axis of the half pi pulse before the readout; along z there is none."""
JITTER_FS = 13_000
"""Of each node's clock from shot to shot: White Rabbit's default switch, rms."""
LOCAL = {
    "emission": ((100, "ge", 1.0), (140, "ef", 0.5)),
    "catch": ((365, "ef", 1.0),),
}
SIDEBAND_AT_NS = {"emission": 180, "catch": 185}
ROTATION_NS, READ_NS = 500, 2_000


def signals(one: QubitPoint, kind: str, link: Link, run: int, shots: int) -> RunSignals:
    """Return what one node plays and captures; a setting follows the other, shot by shot."""
    end = {"emission": 0, "catch": 1}[kind]
    shot = np.arange(len(SETTINGS) * shots)
    begin = shot * PERIOD_NS
    axis = np.array([setting[end] for setting in SETTINGS])[shot % len(SETTINGS)]
    pieces, rows = [], []
    rotated = ((ROTATION_NS, "ge", 0.5, axis != "z"),)
    always = np.ones(shot.size, np.bool_)
    for at_ns, what, angle, there in (*((*gate, always) for gate in LOCAL[kind]), *rotated):
        upper = what == "ef"
        hz = float(one.levels_hz[1 + upper] - one.levels_hz[int(upper)])
        height = angle * pi_amplitude(one, hann(PULSE_NS)) / float(one.ladder[int(upper)])
        turns = np.array([TURNS.get(name, 0.0) for name in axis]) if there is not always else 0.0
        start = begin + at_ns
        rows.append(
            np.column_stack(
                [start, np.full(shot.size, len(pieces)), (hz * 1e-9 * start + turns) % 1.0]
            )[there]
        )
        pieces.append(Piece(hz, height * hann(PULSE_NS), 0j, PULSE_NS))
    row = np.concatenate(rows)
    row = row[np.argsort(row[:, 0])]
    drive = PulseTrain(
        f"{one.name}.drive",
        row[:, 0].astype(np.int64),
        row[:, 1].astype(np.int32),
        row[:, 2],
        tuple(pieces),
    )
    photon = sideband(
        kind, BANDWIDTH_HZ, BANDWIDTH_HZ, length_ns=SIDEBAND_NS, centre_fs=SIDEBAND_NS * 500_000
    )
    samples = photon.samples_hz / link.ends[end].sideband_hz_per_root_watt
    feedline, tone_hz = f"{one.name.partition('.')[0]}.feedline", float(one.resonator_hz[:2].mean())
    trains = [drive]
    for line, at_ns, hz, piece in (
        (
            f"{one.name}.sideband",
            SIDEBAND_AT_NS[kind],
            sideband_hz(one),
            Piece(sideband_hz(one), samples, 0j, SIDEBAND_NS),
        ),
        (feedline, READ_NS, tone_hz, Piece(tone_hz, NONE, 2e-4 + 0j, READOUT_NS)),
    ):
        start = begin + at_ns
        zeros = np.zeros(shot.size, np.int32)
        trains.append(PulseTrain(line, start, zeros, (hz * 1e-9 * start) % 1.0, (piece,)))
    start = begin + READ_NS + 146
    capture = CaptureTrain(
        feedline,
        start,
        np.zeros(shot.size, np.int32),
        (tone_hz * 1e-9 * start) % 1.0,
        (Window(tone_hz, READOUT_NS, None),),
    )
    return RunSignals(run, 10**24, shot.size * PERIOD_NS, tuple(trains), (capture,), {})


class Jitter:
    """A clock that is off by another amount in each shot."""

    def __init__(self, seed: int, shots: int) -> None:
        random = np.random.default_rng(seed)
        self._off_fs = random.normal(0, JITTER_FS, shots).astype(np.int64)

    def __call__(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return by how much each nanosecond comes later, fs."""
        return self._off_fs[np.clip(at_ns // PERIOD_NS, 0, self._off_fs.size - 1)]


def measured(shots: int = SHOTS) -> tuple[float, float]:
    """Return the time of the processor, s, and by how many MB the process has grown."""
    pair = nodes(t1=10e-6, dephasing=5e4)
    link = link_of(*pair, transmission=0.8)
    feedlines = tuple(feedline_of(one, kelvin=4.0) for one in pair)
    world = World(lambda _: feedlines, 7, links=(link,), channel=photon_channel)

    def runs(number: int, count: int) -> list[MeetingRun]:
        return [
            MeetingRun(signals(one, kind, link, number, count), Jitter(seed, len(SETTINGS) * count))
            for seed, (one, kind) in enumerate(zip(pair, LOCAL, strict=True))
        ]

    world.meet(runs(1, 30))  # kernels
    asked = runs(2, shots)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    world.meet(asked)
    spent_s = time.process_time() - begin
    return spent_s, 1e-3 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb)


def main() -> None:
    """Print both."""
    spent_s, grown_mb = measured()
    print(
        f"{len(SETTINGS)} settings x {SHOTS} shots: {spent_s:.2f} s of the processor, "
        f"{grown_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
