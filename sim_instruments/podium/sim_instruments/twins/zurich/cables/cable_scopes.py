"""The scopes of all analysers behind one data server whose inputs receive their own outputs.

Gathers what outputs send and the triggers of each source (``scopes/0/trigger/channel``, node
documentation), and has records taken once all is known that lies in them. Outputs that are off
send nothing, inputs that are off hear nothing. A pulse of spectroscopy goes out with each trigger
that its channel has chosen, whether or not a program runs.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM, tone_amplitude
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.cables.cable_scope import (
    AT_ONCE,
    Input,
    Shot,
    steady_carrier,
    turns_at,
)
from podium.sim_instruments.twins.zurich.cables.cable_signals import (
    KEPT,
    SAMPLE_FS,
    SentPulse,
    SentPulses,
    sample_at,
)
from podium.sim_instruments.twins.zurich.cables.input_noise import InputNoise, InputNoises
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.analyser_run import READOUT
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import (
    Carriers,
    modulated_pulse,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
    Readouts,
    pulse,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import BadScope
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import OSCILLATOR
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Oscillators,
    oscillator_at,
    oscillator_turns,
)

MONITOR: Final = 64
"""Source 64 + n: the monitor trigger of channel n's sequencer (node documentation)."""
_SCOPE: Final = "scopes/0"
Runs = Mapping[tuple[str, str], ProgramRun]


@dataclass(slots=True, eq=False)
class _Instrument:
    """State of one instrument, as far as its scope depends on it."""

    setting: node_settings.Setting
    stamp: Callable[[int], int]
    sent: dict[int, SentPulses] = field(default_factory=dict)
    """By channel."""
    trains: dict[int, list[range]] = field(default_factory=dict)
    """By source: triggers that will come, femtoseconds."""
    shot: Shot | None = None
    behind: bool = False

    def number(self, path: str) -> int:
        """Return what a number's node holds."""
        return int(node_settings.number(self.setting, path))

    def log(self, channel: int) -> SentPulses:
        """Return what a channel's output has sent."""
        return self.sent.setdefault(channel, SentPulses())


class CableScopes:
    """All of them; times are femtoseconds of the instruments' clock."""

    def __init__(self, runs: Runs, cabled: Callable[[str, int], bool], noises: InputNoises) -> None:
        """``runs``: those of now; ``cabled``: whether an analyser's channel has no line but the
        cable from its output."""
        self._runs = runs
        self._cabled = cabled
        self._noises = noises
        self._instruments: dict[str, _Instrument] = {}

    def attached(
        self, device: str, setting: node_settings.Setting, stamp: Callable[[int], int]
    ) -> None:
        """Hear of an instrument: how its nodes are read, and its time stamps."""
        self._instruments[device] = _Instrument(setting, stamp)

    # --- what happens ----------------------------------------------------------------------

    def enabled(self, device: str, on: bool, now_fs: int) -> str:
        """Begin to record, or end; return why it cannot be; empty: it can.

        Where a line of the world is connected to any of its inputs, this is left to the world.
        """
        known = self._instruments.get(device)
        if known is None:
            return ""
        known.shot, known.behind = None, False
        try:
            known.shot = self._shot(device, known, sample_at(now_fs)) if on else None
        except (BadScope, KeyError) as error:
            return f"{_SCOPE}: {error}"
        return ""

    def read_out(
        self,
        run: ProgramRun,
        started: Readouts,
        kept: Integers,
        waves: dict[int, Complexes],
        delay: int,
        carriers: Oscillators | None,
    ) -> None:
        """Hear of readouts; ``kept``: which of them were not lost."""
        known = self._instruments.get(run.device)
        if known is None:
            return
        channel = run.channel
        first = run.start_fs // SAMPLE_FS
        monitored = started.time[started.monitor]
        self._trigger(known, MONITOR + channel, (first + monitored).tolist())
        if not known.number(f"qachannels/{channel}/output/on"):
            return
        times, masks = started.time[kept], started.generators[kept]
        if known.shot is None and len(times):
            recent = times >= times[-1] - KEPT
            times, masks = times[recent], masks[recent]
        shapes: dict[int, Complexes] = {}
        for time, mask in zip(times.tolist(), masks.tolist(), strict=True):
            if carriers is not None:
                shape = modulated_pulse(waves, mask, delay, Carriers(run.trace, carriers), time)
            elif mask in shapes:
                shape = shapes[mask]
            else:
                shape = shapes[mask] = pulse(waves, mask, delay)
            if len(shape):
                known.log(channel).add(SentPulse(first + time, shape))

    def triggered(self, device: str, source: int | None, at_fs: Iterable[int]) -> None:
        """Hear of triggers of a source; a range may lie ahead and replaces nothing."""
        known = self._instruments.get(device)
        if known is None or source is None:
            return
        if isinstance(at_fs, range):
            known.trains.setdefault(source, []).append(at_fs)
            return
        samples = [sample_at(one) for one in at_fs]
        self._probe(device, known, source, samples)
        self._trigger(known, source, samples)

    def train_over(self, device: str, source: int) -> None:
        """Hear that what was to come of a source will not."""
        if device in self._instruments:
            self._instruments[device].trains.pop(source, None)

    # --- what comes of it --------------------------------------------------------------------

    def updates(self, device: str, now_fs: int) -> dict[str, Value]:
        """Return what nodes have come to hold; all runs are to have come to ``now_fs``."""
        known = self._instruments.get(device)
        if known is None:
            return {}
        now = sample_at(now_fs)
        until = self._come(device, known, now_fs)
        shot, found = known.shot, {}
        if shot is not None and not any(
            run.behind for (name, _), run in self._runs.items() if name == device
        ):
            known.behind = shot.take(until) or until < now
            if shot.done:
                found = self._told(known, shot)
                known.behind = False
                again = not known.number(f"{_SCOPE}/single")
                known.shot = self._shot(device, known, now) if again else None
        begins = None if known.shot is None else known.shot.begins
        for log in known.sent.values():
            log.forget(now - KEPT if begins is None else min(begins, now - KEPT))
        return found

    def ends_fs(self) -> list[int]:
        """Return when records will be whole whose triggers have been heard, or are to come."""
        found = []
        for known in self._instruments.values():
            if known.shot is None or not known.number(f"{_SCOPE}/single"):
                continue
            ends = known.shot.ends(*known.trains.get(self._source(known), [])[:1])
            if ends is not None:
                found.append(ends * SAMPLE_FS)
        return found

    @property
    def behind(self) -> bool:
        """Tell whether there are records that could have been taken by now."""
        return any(one.behind for one in self._instruments.values())

    # --- inside --------------------------------------------------------------------------------

    def _shot(self, device: str, known: _Instrument, now: int) -> Shot | None:
        settings = node_settings.scope_settings(known.setting)
        inputs = []
        for channel in settings.channels:
            select = known.number(f"{_SCOPE}/channels/{channel}/inputselect")
            try:
                known.setting(f"qachannels/{select}/mode")
            except KeyError:
                raise BadScope(
                    f"channel {channel} listens to input {select}, which is not simulated: "
                    "there are those of analysers"
                ) from None
            if not self._cabled(device, select):
                return None
            at = f"qachannels/{select}"
            range_dbm = node_settings.number(known.setting, f"{at}/input/range")
            inputs.append(
                Input(
                    select,
                    _CableInput(
                        self._runs,
                        device,
                        known,
                        select,
                        self._noises.of(device, select, f"scope {channel}"),
                    ),
                    node_settings.number(known.setting, f"{at}/centerfreq"),
                    float(tone_amplitude(range_dbm)) * sqrt(2 * IMPEDANCE_OHM),
                )
            )
        waits = bool(known.number(f"{_SCOPE}/trigger/enable"))
        return Shot(settings, tuple(inputs), now, not waits)

    def _told(self, known: _Instrument, shot: Shot) -> dict[str, Value]:
        stamps = shot.stamps()
        vectors = shot.vectors(known.stamp(stamps.trigger_fs), known.stamp(stamps.first_fs))
        found: dict[str, Value] = {
            f"{_SCOPE}/channels/{channel}/wave": vector for channel, vector in vectors.items()
        }
        if known.number(f"{_SCOPE}/single"):
            found[f"{_SCOPE}/enable"] = 0
        return found

    def _come(self, device: str, known: _Instrument, now_fs: int) -> int:
        """Hear the triggers of trains that have come by now, some milliseconds' worth; return up
        to which sample all is known."""
        until = sample_at(now_fs)
        waits = known.shot is not None and known.shot.begins is not None
        for source, trains in known.trains.items():
            heard = known.shot is not None and self._source(known) == source
            for place, train in enumerate(trains):
                count = bisect_right(train, now_fs)
                # What nobody will ever see is passed over.
                first = 0 if waits or heard else bisect_right(train, now_fs - KEPT * SAMPLE_FS)
                count = min(count, first + AT_ONCE)
                come, trains[place] = train[first:count], train[count:]
                if trains[place] and trains[place][0] <= now_fs:
                    until = min(until, sample_at(trains[place][0]))
                samples = [sample_at(one) for one in come]
                self._probe(device, known, source, samples)
                self._trigger(known, source, samples)
            trains[:] = [train for train in trains if train]
        return until

    def _source(self, known: _Instrument) -> int:
        return known.number(f"{_SCOPE}/trigger/channel")

    def _trigger(self, known: _Instrument, source: int, samples: list[int]) -> None:
        shot = known.shot
        if shot is None or shot.self_triggered or not samples:
            return
        if self._source(known) == source:
            shot.trigger(samples)

    def _probe(self, device: str, known: _Instrument, source: int, samples: list[int]) -> None:
        """Have channels send their pulses of spectroscopy."""
        for channel in _channels(known):
            at = f"qachannels/{channel}"
            if (
                known.number(f"{at}/mode") == READOUT
                or known.number(f"{at}/spectroscopy/trigger/channel") != source
                or not known.number(f"{at}/output/on")
                or not self._cabled(device, channel)
            ):
                continue
            settings = node_settings.spectroscopy_settings(known.setting, at)
            if settings.envelope is None:
                continue
            shape = settings.envelope * settings.gain
            starts = [one + settings.envelope_delay for one in samples]
            for start, (turns, hz) in zip(
                starts, _carriers(self._runs, device, known, channel, starts), strict=True
            ):
                known.log(channel).add(SentPulse(start, shape, hz, turns))


def _channels(known: _Instrument) -> Iterable[int]:
    channel = 0
    while True:
        try:
            known.setting(f"qachannels/{channel}/mode")
        except KeyError:
            return
        yield channel
        channel += 1


def _carriers(
    runs: Runs, device: str, known: _Instrument, channel: int, samples: list[int]
) -> list[tuple[float, float]]:
    """Return phase, turns, and frequency, Hz, of a channel's oscillator at samples.

    A program that runs, or has run, says what it is; a pulse keeps that of its beginning.
    """
    run = runs.get((device, f"qachannels/{channel}/generator"))
    at = f"qachannels/{channel}"
    if run is None:
        hz = node_settings.number(known.setting, f"{at}/oscs/{OSCILLATOR}/freq")
        return [(turns_at(hz, one), hz) for one in samples]
    times = np.array(samples, np.int64) - run.start_fs // SAMPLE_FS
    turning = node_settings.oscillators(known.setting, at, 1)
    found = oscillator_at(run.trace, turning, OSCILLATOR, SAMPLE_RATE_HZ, np.maximum(times, 0))
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


@dataclass(slots=True, eq=False)
class _CableInput:
    """The signal at one input of an instrument."""

    runs: Runs
    device: str
    known: _Instrument
    channel: int
    floor: InputNoise
    _on: bool = False
    _gain: float = 0.0
    """Of the oscillator of spectroscopy, which without an envelope is always there."""
    _turning: Oscillators = field(default_factory=Oscillators)

    def look(self) -> None:
        """Take the settings as they are now."""
        known, at = self.known, f"qachannels/{self.channel}"
        self._on, self._gain = bool(known.number(f"{at}/input/on")), 0.0
        if known.number(f"{at}/mode") == READOUT or not known.number(f"{at}/output/on"):
            return
        settings = node_settings.spectroscopy_settings(known.setting, at)
        if settings.envelope is None:
            self._gain = settings.gain
            self._turning = node_settings.oscillators(known.setting, at, 1)

    def within(self, first: int, end: int) -> Iterable[SentPulse]:
        """Return the pulses from sample ``first`` to before ``end``."""
        return self.known.log(self.channel).within(first, end) if self._on else ()

    def steady(self, first: int, samples: Integers) -> Complexes | None:
        """Return what is there all the time; None: nothing is."""
        if not self._on or not self._gain:
            return None
        run = self.runs.get((self.device, f"qachannels/{self.channel}/generator"))
        start = first - run.start_fs // SAMPLE_FS if run is not None else -1
        if run is None or start < 0:
            return steady_carrier(self._turning.hz[OSCILLATOR], self._gain, first, samples)
        end = start + int(samples[-1]) + 1
        turns = oscillator_turns(run.trace, self._turning, OSCILLATOR, SAMPLE_RATE_HZ, start, end)
        return np.asarray(self._gain * np.exp(2j * np.pi * turns[samples]))

    def noise(self, shape: tuple[int, ...]) -> Complexes:
        """Return noise of the input's own, V."""
        at = f"qachannels/{self.channel}/input/range"
        return self.floor.volts(node_settings.number(self.known.setting, at), shape)
