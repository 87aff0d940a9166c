"""Readouts at the ends of a linked pair that a photon program drives."""

from collections.abc import Mapping

import numpy as np
from tests.benches.servers.photon_program import NS, PhotonProgram

from podium.control.client.lab import Lab
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import Barrier, Capture, Delay, If, Play, Program, Statement
from podium.control.program.waveforms import Square


def read(made: PhotonProgram, end: str, name: str, level: Discriminator | None) -> list[Statement]:
    return [
        Capture(f"{end}.read", name, 600 * NS, 0, level),
        Play(f"{end}.read", Square(700 * NS), 0.2),
        Barrier(made.names),
    ]


async def level_of(lab: Lab, made: PhotonProgram, end: str) -> Discriminator:
    """Return what tells 0 from 1 at one end."""
    frames = tuple(one for one in made.frames if one.name.startswith(end))
    names = tuple(one.name for one in frames)
    means = []
    for angle in (0.0, 1.0):
        turn = [one for one in made.turn(f"{end}.ge", angle) if isinstance(one, Play)]
        rest = [one for one in read(made, end, "m", None) if not isinstance(one, Barrier)]
        wait = Delay(names[:1], 60_000 * NS)
        body = (*turn, Barrier(names), *rest, Barrier(names), wait)
        data = await lab.run(Program("level", frames, body, shots=400))
        means.append(complex(data["m_i"].item(), data["m_q"].item()))
    turns = -np.angle(means[1] - means[0]) / (2 * np.pi)
    middle = (means[0] + means[1]) / 2 * np.exp(2j * np.pi * turns)
    return Discriminator(float(turns % 1.0), float(middle.real))


def remote_flip(
    made: PhotonProgram,
    levels: Mapping[str, Discriminator],
    wait_fs: int,
    shots: int,
    *,
    ends: str = "ab",
    flips: bool | None = None,
) -> Program:
    """Return half a turn of the first end, and a flip of the second, ``wait_fs`` behind it.

    It is flipped where the first one was found in 1; ``flips``: in any case, or never.
    """
    first, second = ends
    pulses = tuple(made.turn(f"{second}.ge"))
    wanted: list[Statement] = [If(is_one(first), pulses)]
    if flips is not None:
        wanted = [*pulses] if flips else [Delay((f"{second}.ge",), 32 * NS)]
    body = [
        *made.turn(f"{first}.ge", 0.5),
        *read(made, first, first, levels[first]),
        Delay(made.names, wait_fs),
        *wanted,
        Barrier(made.names),
        *read(made, second, second, levels[second]),
        Delay(made.names, 60_000 * NS),
    ]
    return Program("remote flip", tuple(made.frames), tuple(body), shots=shots, keep_shots=True)


def pair_flip(
    made: PhotonProgram,
    levels: Mapping[str, Discriminator],
    wait_fs: int,
    shots: int,
    *,
    flips: bool = True,
) -> Program:
    """Return a pair, and a flip of b, ``wait_fs`` behind a's readout, where a was found in 1."""
    body = [
        *made.turn("a.ge"),
        *made.turn("a.ef", 0.5),
        *made.photon(),
        *made.turn("b.ef"),
        *read(made, "a", "a", levels["a"]),
        Delay(made.names, wait_fs),
        If(is_one("a"), tuple(made.turn("b.ge")) if flips else ()),
        Barrier(made.names),
        *read(made, "b", "b", levels["b"]),
        Delay(made.names, 60_000 * NS),
    ]
    return Program("pair flip", tuple(made.frames), tuple(body), shots=shots, keep_shots=True)


def both_reset(
    made: PhotonProgram, levels: Mapping[str, Discriminator], lag_ns: int, shots: int
) -> Program:
    """Return a photon both ends of which are read, flipped where found in 1, and read once more."""
    body = [
        *made.turn("a.ge"),
        *made.turn("a.ef"),
        *made.photon(lag_ns),
        *made.turn("b.ef"),
        *read(made, "a", "a", levels["a"]),
        *read(made, "b", "b", levels["b"]),
        Delay(made.names, 1_000 * NS),
        If(is_one("a"), tuple(made.turn("a.ge"))),
        If(is_one("b"), tuple(made.turn("b.ge"))),
        Barrier(made.names),
        *read(made, "a", "a_again", levels["a"]),
        *read(made, "b", "b_again", levels["b"]),
        Delay(made.names, 60_000 * NS),
    ]
    return Program("both reset", tuple(made.frames), tuple(body), shots=shots, keep_shots=True)
