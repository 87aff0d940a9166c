"""Two qubits of two nodes at the ends of a link, signals to them, and a channel in closed form."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from tests.benches.physics.small_chip import NONE, feedline_point, hann, pi_amplitude, qubit_point

from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

BANDWIDTH_HZ = 10.4e6
PULSE_NS = 40
SIDEBAND_NS = 180
READOUT_NS = 600
PERIOD_NS = 400_000


def qubit(name: str, f01: float, anharmonicity: float, **kwargs: float) -> QubitPoint:
    return qubit_point(
        name, f01=f01, anharmonicity=anharmonicity, **({"thermal": 0.0, "levels": 3} | kwargs)
    )


def feedline_of(one: QubitPoint, kelvin: float = 0.0) -> FeedlinePoint:
    node = one.name.partition(".")[0]
    return replace(feedline_point(one, kelvin=kelvin), name=f"{node}.feedline")


def nodes(**kwargs: float) -> tuple[QubitPoint, QubitPoint]:
    return (
        qubit("node_a.q0", 6.343e9, -265e6, **kwargs),
        qubit("node_b.q0", 6.098e9, -306e6, **kwargs),
    )


def link_of(
    first: QubitPoint,
    second: QubitPoint,
    transmission: float = 1.0,
    name: str = "link_ab",
    lines: tuple[str, str] = ("sideband", "sideband"),
) -> Link:
    ends = tuple(
        LinkEnd(one.name, f"{one.name}.{line}", 8.4e9, BANDWIDTH_HZ, 5.2e6, 0.0)
        for one, line in zip((first, second), lines, strict=True)
    )
    return Link(name, (ends[0], ends[1]), (transmission, 0.0), 5_000_000, 0.0, 0.0)


def sideband_hz(one: QubitPoint) -> float:
    return float(one.levels_hz[2]) - 8.4e9


@dataclass(slots=True, eq=False)
class PhotonExchange:
    """The exact channel of a whole sech photon: f of the first goes to f of the second.

    A pulse swaps f and the photon for certain; the catch is ``sqrt(eta) x / sinh x`` in amplitude,
    x = Gamma lag / 2. Atoms do not decay meanwhile.
    """

    asked: list[tuple[float, float, int]] = field(default_factory=list)

    def __call__(
        self,
        link: Link,
        atoms: tuple[QubitPoint, QubitPoint],
        pulses: tuple[SidebandPulse, SidebandPulse],
        lag_fs: int,
        levels: tuple[int, int],
    ) -> NDArray[np.complex128]:
        self.asked.append((pulses[0].duration_ns, pulses[1].duration_ns, lag_fs))
        both = pulses[0].duration_ns > 0 and pulses[1].duration_ns > 0
        return superoperator(catch(link, lag_fs) if both else 0.0, *(p.duration_ns for p in pulses))


def catch(link: Link, lag_fs: int) -> float:
    """Amplitude of the caught photon."""
    x = np.pi * BANDWIDTH_HZ * lag_fs * 1e-15
    return float(np.sqrt(link.transmission[0]) * (x / np.sinh(x) if x else 1.0))


def superoperator(caught: float, first_ns: float, second_ns: float) -> NDArray[np.complex128]:
    kraus = [np.zeros((9, 9), np.complex128) for _ in range(5)]
    for a in range(3):
        for b in range(3):
            sends, full = a == 2 and first_ns > 0, b == 2 and second_ns > 0
            here = 3 * a + b
            if not sends and not full:
                kraus[0][here, here] = 1.0
            elif sends and b == 0:
                kraus[0][2, here] = caught  # g f
                kraus[1][0, here] = np.sqrt(1 - caught**2)
            elif sends and full:
                kraus[2][0, here] = 1.0
            elif sends:
                kraus[1][b, here] = 1.0
            else:
                kraus[3][3 * a, here] = 1.0
    whole = sum(np.kron(k, k.conj()) for k in kraus)  # (a b) (a' b')
    order = np.arange(81).reshape(3, 3, 3, 3).transpose(0, 2, 1, 3).reshape(-1)
    return np.asarray(whole[np.ix_(order, order)])


@dataclass(frozen=True, slots=True)
class Gate:
    """A drive at a time of the shot: ``ge`` or ``ef`` by an angle in turns of pi, or a sideband.

    A sideband is that of the line of its name: ``sideband``, or another one of a qubit of two
    links.
    """

    what: str
    at_ns: int
    angle: float = 1.0
    turns: float = 0.0


def _train(  # type: ignore[no-untyped-def]
    line: str,
    pieces: list[Piece],
    gates: Sequence[Gate],
    shots: int,
    hz: list[float],
    period_ns: int,
):
    start, kind, turns = [], [], []
    for shot in range(shots):
        for number, gate in enumerate(gates):
            at = shot * period_ns + gate.at_ns
            start.append(at)
            kind.append(number)
            turns.append((hz[number] * 1e-9 * at + gate.turns) % 1.0)
    return PulseTrain(
        line, np.array(start), np.array(kind, np.int32), np.array(turns), tuple(pieces)
    )


def run_of(
    one: QubitPoint,
    gates: Sequence[Gate],
    shots: int,
    *,
    run: int = 1,
    readout_ns: int | None = 2_000,
    start_fs: int = 10**24,
    period_ns: int = PERIOD_NS,
) -> RunSignals:
    """Signals of one node: the same gates in every shot, then a readout."""
    local = [gate for gate in gates if gate.what in ("ge", "ef")]
    windows = [gate for gate in gates if gate.what.startswith("sideband")]
    pieces, hz = [], []
    envelope = hann(PULSE_NS)
    for gate in local:
        step = 1.0 if gate.what == "ge" else float(one.ladder[1])
        carrier = float(one.levels_hz[1])
        if gate.what == "ef":
            carrier = float(one.levels_hz[2] - one.levels_hz[1])
        amplitude = gate.angle * pi_amplitude(one, envelope) / step
        pieces.append(Piece(carrier, amplitude * envelope, 0j, PULSE_NS))
        hz.append(carrier)
    drives = []
    if local:
        drives.append(_train(f"{one.name}.drive", pieces, local, shots, hz, period_ns))
    for line in dict.fromkeys(gate.what for gate in windows):
        mine = [gate for gate in windows if gate.what == line]
        shape = Piece(sideband_hz(one), hann(SIDEBAND_NS), 0j, SIDEBAND_NS)
        apart = [sideband_hz(one)] * len(mine)
        drives.append(
            _train(f"{one.name}.{line}", [shape] * len(mine), mine, shots, apart, period_ns)
        )
    captures = []
    if readout_ns is not None:
        feedline = f"{one.name.partition('.')[0]}.feedline"
        frequency = float(one.resonator_hz[:2].mean())
        at = np.arange(shots) * period_ns + readout_ns
        turns = (frequency * 1e-9 * at) % 1.0
        tone = Piece(frequency, NONE, 2e-4 + 0j, READOUT_NS)
        zeros = np.zeros(shots, np.int32)
        drives.append(PulseTrain(feedline, at, zeros, turns, (tone,)))
        captures.append(
            CaptureTrain(
                feedline,
                at + 146,
                zeros,
                (frequency * 1e-9 * (at + 146)) % 1.0,
                (Window(frequency, READOUT_NS, None),),
            )
        )
    return RunSignals(run, start_fs, shots * period_ns, tuple(drives), tuple(captures), {})


def world_of(
    pair: tuple[QubitPoint, QubitPoint], link: Link, channel: PhotonExchange, seed: int = 7
) -> World:
    feedlines = feedline_of(pair[0]), feedline_of(pair[1])
    return World(lambda _: feedlines, seed, links=(link,), channel=channel)
