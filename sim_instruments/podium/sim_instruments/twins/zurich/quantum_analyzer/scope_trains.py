"""An analyser's scope listens to the world by capture trains, and makes records of the answers.

Each trigger is a record of its own; segments and averages are put together as
:mod:`.quantum_analyzer.scope` has it. ASSUMED: a trigger that comes while a record is taken is
missed and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, Window
from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Complexes,
    Integers,
    busy,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import (
    BadScope,
    ScopeSettings,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import turns_at

MONITOR: Final = 64
"""``scopes/0/trigger/channel`` for the monitor trigger of channel 0 (node documentation)."""
_TAPS: Final = 16
_AT: Final = np.arange(-_TAPS, _TAPS) + 0.5
_SINC: Final = np.sinc(_AT) * np.kaiser(2 * _TAPS, 6.0)
_HALF: Final = _SINC / _SINC.sum()
"""What is half a sample later, to a part in a thousand below 400 MHz from the centre."""
MOST: Final = 4096
"""Records of one run: each is a raw trace of the world's."""


@dataclass(frozen=True, slots=True, eq=False)
class ScopeChannel:
    """Settings of the scope for one channel when a run begins."""

    channel: int
    settings: ScopeSettings


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """Traces taken so far, trigger by trigger."""

    recording: ScopeChannel
    centre_hz: float
    taken: tuple[Complexes, ...]
    """V, shape (samples before the rate leaves some out) each."""
    missed: int
    """Triggers that came while it was busy."""


def scope_channel_of(setting: node_settings.Setting, channel: int) -> ScopeChannel | None:
    """Return how the scope listens to a channel when its monitor triggers; None: it does not.

    Other triggers than the channel's own monitor are not played on the world: the scope then stays
    enabled, as without one. Raises BadScope.
    """
    node = "scopes/0"
    wanted = {
        "enable": 1,
        "trigger/enable": 1,
        "trigger/channel": MONITOR + channel,
        f"channels/{channel}/enable": 1,
        f"channels/{channel}/inputselect": channel,
    }
    if any(node_settings.number(setting, f"{node}/{path}") != one for path, one in wanted.items()):
        return None
    settings = node_settings.scope_settings(setting)
    count = settings.segments * settings.averages
    if count > MOST:
        raise BadScope(
            f"{settings.segments} segments, {settings.averages} averages: {count} records of one "
            f"run, {MOST} at most are simulated"
        )
    return ScopeChannel(channel, replace(settings, channels=(channel,)))


def scope_trains(
    line: str, triggers: Integers, recording: ScopeChannel, centre_hz: float, begin_ns: int
) -> tuple[CaptureTrain, ...]:
    """Return what the scope listens to, record by record."""
    settings = recording.settings
    samples = settings.length << settings.rate
    taken = triggers[~busy(triggers, samples)][: settings.segments * settings.averages]
    start_ns = begin_ns + (taken + settings.delay >> 1)
    turns = turns_at(centre_hz, start_ns) % 1.0
    window = Window(centre_hz, samples // 2, None)
    one = np.zeros(1, np.int32)
    return tuple(
        CaptureTrain(line, start_ns[k : k + 1], one, turns[k : k + 1], (window,), scope=True)
        for k in range(len(taken))
    )


def traces_of(
    recording: ScopeChannel,
    triggers: Integers,
    answers: Sequence[CaptureAnswer],
    centre_hz: float,
    full_scale: float,
) -> Traces:
    """Return what the scope takes; ``full_scale``: of the input, square roots of watts."""
    settings = recording.settings
    samples = settings.length << settings.rate
    taken = tuple(_record(answer, samples, centre_hz, full_scale) for answer in answers)
    return Traces(recording, centre_hz, taken, int(busy(triggers, samples).sum()))


def _record(answer: CaptureAnswer, samples: int, centre_hz: float, full_scale: float) -> Complexes:
    """Return one record, V, with samples between those of 1 ns that the world has."""
    record = np.zeros(samples, np.complex128)
    if answer.trace is not None:
        heard = answer.trace[: samples // 2]
        heard = heard * clipped_tone(np.abs(heard) / full_scale) * sqrt(2 * IMPEDANCE_OHM)
        heard = between(heard)
        turns = (answer.trace_hz - centre_hz) * 0.5e-9 * np.arange(len(heard))
        record[: len(heard)] = heard * np.exp(2j * np.pi * (turns % 1.0))
    return record


def between(trace: Complexes) -> Complexes:
    """Return a record of twice as many samples: what lies between is what its band says."""
    padded = np.concatenate([np.repeat(trace[:1], _TAPS), trace, np.repeat(trace[-1:], _TAPS)])
    middle = np.convolve(padded, _HALF, "valid")[1 : 1 + len(trace)]
    return np.stack([trace, middle], axis=1).reshape(-1)
