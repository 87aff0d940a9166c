"""What the scope listens to on the world when it averages, has segments, or begins later.

A record is listened to for each trigger, so many records take their time: up to
:data:`RECORDS_MAX` of them are simulated.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from podium.sim_instruments.physics.signals import Captured, CaptureTrain, Window
from podium.sim_instruments.twins.zurich import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Readouts
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import BadScope, ScopeSettings
from podium.sim_instruments.twins.zurich.trains import record_of, turns_at

SEQUENCER_MONITOR: Final = 64
"""``scopes/0/trigger/channel`` for the monitor trigger of channel 0 (node documentation)."""
RECORDS_MAX: Final = 1024
"""Segments times averages. The twin's own limit: with more the scope stays enabled, and waits."""


def recording(setting: node_settings.Setting, channel: int) -> ScopeSettings | None:
    """Return how the scope is set, where readouts of this channel trigger it and it records this
    channel's input at the full rate; None: it does not."""
    node = "scopes/0"
    wanted = {
        "enable": 1,
        "trigger/enable": 1,
        "trigger/channel": SEQUENCER_MONITOR + channel,
        f"channels/{channel}/enable": 1,
        f"channels/{channel}/inputselect": channel,
        "time": 0,
    }
    if any(node_settings.number(setting, f"{node}/{path}") != one for path, one in wanted.items()):
        return None
    try:
        return node_settings.scope_settings(setting, channel + 1)
    except BadScope:
        return None


def scope_trains(
    line: str, started: Readouts, settings: ScopeSettings, centre_hz: float, begin_ns: int
) -> tuple[CaptureTrain, ...]:
    """Return what is listened to, in the order of the triggers; nothing where too few come."""
    count = settings.segments * settings.averages
    which = np.flatnonzero(started.monitor)[:count]
    if len(which) < count or count > RECORDS_MAX:
        return ()
    starts_ns = begin_ns + ((started.time[which] + settings.delay) >> 1)
    turns = turns_at(centre_hz, starts_ns) % 1.0
    window = (Window(centre_hz, settings.length // 2, None),)
    return tuple(
        CaptureTrain(
            line, starts_ns[k : k + 1], np.zeros(1, np.int32), turns[k : k + 1], window, scope=True
        )
        for k in range(count)
    )


def averaged(
    answers: Sequence[Captured], settings: ScopeSettings, centre_hz: float, full_scale: float
) -> Complexes:
    """Return the averages of all segments one after the other, V, shape (segments * length).

    As :class:`~...quantum_analyzer.scope.Scope` has it: all segments first, then all of them again.
    """
    records = [record_of(one, settings.length, centre_hz, full_scale) for one in answers]
    shape = settings.averages, settings.segments * settings.length
    return np.asarray(np.reshape(records, shape).mean(axis=0), np.complex128)
