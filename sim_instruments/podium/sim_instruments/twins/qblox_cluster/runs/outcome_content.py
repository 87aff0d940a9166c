"""Content of a sequencer's halt: its state as seen from an instant, rows, rules of decisions.

See :mod:`.outcome_firmware`.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.firmware import CannotBranch, Decision
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import measured
from podium.sim_instruments.twins.qblox_cluster.inputs.scope import full_scale
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import FinishedAcquisitions
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

_IGNORED: Final = [
    q1.CORE_NS,
    q1.COUNT,
    q1.ZERO,
    q1.NEGATIVE,
    q1.CARRY,
    q1.OVERFLOW,
    q1.QUEUE_HEAD,
    q1.QUEUE_LENGTH,
    q1.TRIGGER_NEXT,
    q1.ROWS,
    q1.FLAGS,
    q1.EXIT_CODE,
    q1.ACQ_READY_NS,
    q1.ACQ_HEAD,
    q1.ACQ_LENGTH,
    q1.KNOWN_NS,
]
"""Shows in nothing but an underflow or a full queue of results."""


COLUMNS: Final = (
    "kind",
    "wave0",
    "wave1",
    "gain0",
    "gain1",
    "offs0",
    "offs1",
    "nco_freq",
    "marker",
    "acq",
    "weight0",
    "weight1",
)
"""What of rows the world may see; bins are not among it."""


def row_columns(rows: RealTimeTrace) -> tuple[NDArray[Any], ...]:
    """Return what of rows the world may see."""
    return tuple(getattr(rows, name) for name in COLUMNS)


def seen_from(run: Q1Run, at_ns: int, watched: Collection[int] | None) -> tuple[object, ...]:
    """Return what a processor goes on from, seen from a time; registers are not among it.

    ``watched``: addresses of the triggers that it may look at, None: all.
    """
    state = run.state.copy()
    frequency = int(state[q1.FREQ])
    turned = int(state[q1.PHASE_OFFSET]) + frequency * (at_ns % q1.TURN)
    state[q1.PHASE_OFFSET] = turned % q1.TURN
    state[q1.TIME_NS] -= at_ns
    state[_IGNORED] = 0
    state[q1.ACQ_TIMES :] = 0
    if run.forgets_ns >= 0:
        state[q1.OVER] = 0
    elif watched is not None:
        state[q1.OVER] &= sum(1 << (address - 1) for address in watched)
    if run.ending in (Ending.STOPPED, Ending.CUT):
        state[:] = 0
    runs_ahead = run.ending in (Ending.WAITS_FOR_SYNC, Ending.PAUSED)
    paused_ns = (run.pause_ns or 0) - at_ns if runs_ahead else 0
    return (
        run.ending,
        state.tobytes(),
        paused_ns,
    )


def triggers_seen(
    run: Q1Run, at_ns: int, watched: Collection[int] | None
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Return the triggers that a processor may still look at, and how many it has counted.

    Times and addresses, as seen from a time; by address.
    """
    forgets_ns = run.forgets_ns
    unread = tuple(
        (time_ns - at_ns, address)
        for time_ns, address in run.unread_triggers.T.tolist()
        if time_ns > forgets_ns and (watched is None or address in watched)
    )
    if forgets_ns >= 0:
        return unread, ()
    counts = run.latches[q1.COUNTS].tolist()
    return unread, tuple(counts if watched is None else (counts[one] for one in sorted(watched)))


def decisions_of(
    run: SequencerRun, due: FinishedAcquisitions, rows: Sequence[int], capture: int
) -> list[Decision]:
    """Return the rule for some of the acquisitions whose first train is so numbered."""
    if not due.trains:
        raise CannotBranch(f"{run.sender} listens to nothing")
    full0, full1 = full_scale(run)
    a11, a12 = run.configuration.rotation
    threshold = run.configuration.threshold * run.afe.model.integral_step
    left = 1.0 - float(clipped_tone(np.ones(1))[0])
    found: list[Decision] = []
    for row in rows:
        one = due.one(row)
        pedestal = one.pedestal[:, 0]
        rule = (
            full0,
            full1,
            float(pedestal[0].real),
            float(pedestal[1].imag),
            float(one.duration_ns[0]),
            a11,
            a12,
            threshold,
            float(one.turning[0]),
            left,
        )
        last = capture + len(due.trains) - 1
        windows = (capture, row), (last, row)
        found.append(Decision(windows, rule, partial(_above, one, len(due.trains))))
    return found


def _above(one: Any, trains: int, value0: complex, value1: complex) -> bool:
    values = (value0, value1)[:trains]
    answers = [CaptureAnswer(np.array([value]), None) for value in values]
    return bool(measured(one, answers)[0][0])
