"""Routes triggers of instruments, sequencers and a PQSC to the sequencers that wait for them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from podium.sim_instruments.twins.zurich.pqsc.zsync import sources_of
from podium.sim_instruments.twins.zurich.runs.program_run import START_GRID_FS, ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import SHFQA
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.triggers.trigger_inputs import Signal

INTERNAL_TRIGGER: Final = 8
SOFTWARE_TRIGGER: Final = 1024
"""Values of ``auxtriggers/N/channel`` (node documentation)."""
MOST: Final = 10_000_000
"""Triggers of one train that are worked out; a longer one ends there."""
_DIGITAL: Final = (Source.DIGITAL_1, Source.DIGITAL_2)
_FIRST_FS: Final = 10**9
"""From setting a node to the first trigger that it makes. ASSUMED: a microsecond."""

Key = tuple[str, str]
"""An instrument and a sequencer of it: ``dev12000``, ``sgchannels/0/awg``."""
Runs = Mapping[Key, ProgramRun]


@dataclass(frozen=True, slots=True, eq=False)
class TriggerRecipient:
    """A sequencer that receives a trigger, and the source that it takes it for."""

    key: Key
    run: ProgramRun
    source: Source


def hearing(
    runs: Runs, device: str, channel: int | Signal, but: Key | None = None
) -> list[TriggerRecipient]:
    """Return who has a signal of their instrument, or of its inputs, for a digital trigger.

    Software's are heard by analysers alone (node documentation).
    """
    software = isinstance(channel, int) and channel >= SOFTWARE_TRIGGER
    return [
        TriggerRecipient(key, run, source)
        for key, run in runs.items()
        if key[0] == device and key != but and not (software and run.model is not SHFQA)
        for chosen, source in _digital(run)
        if chosen == _number(channel, run)
    ]


def hearing_zsync(runs: Runs, devices: Collection[str] | None) -> list[TriggerRecipient]:
    """Return the recipients of the PQSC's triggers; ``devices``: connected to it, None: all."""
    return [
        TriggerRecipient(key, run, source)
        for key, run in runs.items()
        if devices is None or key[0] in devices
        for source in sources_of(run)
    ]


def give(heard: Iterable[TriggerRecipient], at_fs: Iterable[int]) -> None:
    """Have triggers reach whoever hears them."""
    times = tuple(at_fs)
    for one in heard:
        for at in times:
            one.run.expect(at, one.source)


def train(now_fs: int, count: int, distance_fs: int) -> range:
    """Return when the triggers of a train come that a node was set for at ``now_fs``."""
    first_fs, step_fs = first_at(now_fs), max(1, distance_fs)
    return range(first_fs, first_fs + min(count, MOST) * step_fs, step_fs)


def first_at(now_fs: int) -> int:
    """Return when the first trigger comes that a node is set for: on the clock of all."""
    at_fs = now_fs + _FIRST_FS
    return at_fs - at_fs % START_GRID_FS


def _number(channel: int | Signal, run: ProgramRun) -> int | None:
    """Return the number under which a sequencer chooses a signal."""
    return channel if isinstance(channel, int) else channel.heard_by(run.model is SHFQA)


def _digital(run: ProgramRun) -> Iterator[tuple[int, Source]]:
    """Yield which signals are a sequencer's digital triggers."""
    for number, source in enumerate(_DIGITAL):
        channel = run.setting(f"{run.at}/auxtriggers/{number}/channel")
        yield int(str(channel)), source
