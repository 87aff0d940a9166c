"""The carrier that comes through the mixers of RF outputs, whatever is played."""

from collections.abc import Iterator, Mapping

import numpy as np

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    SwitchTimeline,
    lo_turns,
    switch_intervals,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe


def leaks(
    slot: int, afe: Afe, switches: Mapping[int, SwitchTimeline], end_ns: int
) -> Iterator[PulseTrain]:
    """Yield the carrier that comes through each mixer of a module while its switch is closed.

    ASSUMED: it does so during runs only; nobody looks at what leaves an output in between.
    """
    for n, mixer in enumerate(afe.mixers):
        i, q = afe.output_offset_mv[2 * n : 2 * n + 2]
        leak = mixer.leak((i, q)) * limits.rf_output_full_scale(afe.output_attenuation_db[n])
        if not leak or not afe.lo_on[n]:
            continue
        start, duration = switch_intervals(switches[n], end_ns)
        if not len(start):
            continue
        lengths, number = np.unique(duration, return_inverse=True)
        nothing = np.zeros(0, np.complex128)
        yield PulseTrain(
            line=f"slot{slot}.out{n}",
            start_ns=start,
            piece=number.reshape(-1).astype(np.int32),
            phase_turns=(lo_turns(afe.lo_hz[n], start) + afe.turns_of_lo(n)) % 1.0,
            pieces=tuple(Piece(float(afe.lo_hz[n]), nothing, leak, int(d)) for d in lengths),
            sender=f"slot{slot}.lo{n}",
            spur="carrier",
        )
