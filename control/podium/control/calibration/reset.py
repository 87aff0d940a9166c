"""Resets qubits to 0 before a shot: by waiting, or by measuring and flipping 1."""

from collections.abc import Sequence

from podium.control.calibration.sequences import (
    Pulses,
    emptied,
    on_grid_ns,
    one_after_another,
    resets_actively,
    ringdown,
    ringdown_s,
)
from podium.control.program.conditions import is_one
from podium.control.program.program import Barrier, Delay, If, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

PASSIVE_RESET_LIFETIMES = 4.0
"""Wait between shots in lifetimes: exp(-4) = 1.8 % of the excited population is left."""
SECOND_LIFETIMES = 2.0
"""Wait in lifetimes where shots end in 2 and qubits are flipped after it: level 2 decays twice as
fast as level 1, and exp(-4) of it is left."""
ACTIVE_ROUNDS = 2
"""Measure and flip, so many times before a shot: what the first round gets wrong (decay between its
readout and its flip), the second mends. By rate equations an even mixture has 3 % left in 1 after
one round, 0.9 % after two, 0.7 % after three (T1 of 35 us, 1.5 us to the flip, errors of 0.6 %)."""
SHELVED_ROUNDS = 3
"""The same of qubits that are shelved before a readout. What the shot before has left in 2 a
round's pulse takes to 1, which lives long and is flipped. What had decayed to 1 it takes to 2,
where a flip finds nothing: the next round takes it to 1."""
EMPTY = 30.0
"""Wait for the resonators to empty around flips, in 1 / (2 pi kappa): 3e-7 of the field is left, so
that a shot is the same whatever was read before it."""
RESULT_AFTER_NS = 400
"""From the end of a window to what depends on its result: 372 ns on a cluster, 320 ns on an SHFQC
(docs/how-to/act-on-a-measurement.md)."""


def reset(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    lifetimes: float = PASSIVE_RESET_LIFETIMES,
) -> list[Statement]:
    """Bring all qubits to 0 before a shot; every frame goes on from there together.

    By waiting, or, where the bench says so and every qubit's results can be told, by
    :func:`active_reset`.
    """
    if resets_actively(pulses):
        return active_reset(pulses, frames)
    return passive_reset(pulses, frames, lifetimes)


def reset_from_second(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    lifetimes: float = PASSIVE_RESET_LIFETIMES,
    down: Sequence[Statement] = (),
) -> list[Statement]:
    """Bring qubits to 0 that the shot before may have left in 2, as :func:`reset` does.

    No flip brings 2 to 0. ``down`` are 1-2 pi pulses, where they are known well enough to be
    played: what was in 2 is in 1 then, and flipped. Without, 2 decays to 1 within
    :data:`SECOND_LIFETIMES`.
    """
    if not resets_actively(pulses):
        return passive_reset(pulses, frames, lifetimes)
    if down:
        every = tuple(frames)
        lower = [*emptied(pulses, every, EMPTY), *down, Barrier(every)]
        return [*lower, *active_reset(pulses, frames)]
    wait = passive_reset(pulses, frames, min(lifetimes, SECOND_LIFETIMES))
    return [*wait, *active_reset(pulses, frames)]


def passive_reset(
    pulses: Sequence[Pulses], frames: Sequence[str], lifetimes: float = PASSIVE_RESET_LIFETIMES
) -> list[Statement]:
    """Wait until all qubits have relaxed, ``lifetimes`` of the one that lives longest."""
    wait_ns = on_grid_ns(max(p.reset_s(lifetimes) for p in pulses))
    return [Delay(tuple(frames), wait_ns * FS_PER_NS), Barrier(tuple(frames))]


def active_reset(pulses: Sequence[Pulses], frames: Sequence[str]) -> list[Statement]:
    """Read every qubit and flip what is found in 1, :data:`ACTIVE_ROUNDS` times.

    Of qubits that are shelved :data:`SHELVED_ROUNDS` times. Readouts end one after another, so that
    their results can travel. The resonators are empty again at the end. Captures are named
    ``<element>_reset<round>``.
    """
    every = tuple(frames)
    empty = ringdown(pulses, every, EMPTY)
    body: list[Statement] = [*empty, Barrier(every)]
    shelved = any(p.shelving() is not None for p in pulses)
    for number in range(SHELVED_ROUNDS if shelved else ACTIVE_ROUNDS):
        name = f"_reset{number}"
        readouts = [
            p.measure(name=p.qubit.element + name, discriminator=p.discriminator()) for p in pulses
        ]
        body += [*one_after_another(readouts), Barrier(every), *_results_there(pulses, every)]
        body += [If(is_one(p.qubit.element + name), (p.pi(),)) for p in pulses]
        body.append(Barrier(every))
    return body


def _results_there(pulses: Sequence[Pulses], frames: tuple[str, ...]) -> list[Statement]:
    """Wait until the resonators are empty and the results are there."""
    wait_ns = max(RESULT_AFTER_NS, on_grid_ns(ringdown_s(pulses, EMPTY)))
    return [Delay(frames, wait_ns * FS_PER_NS), Barrier(frames)]
