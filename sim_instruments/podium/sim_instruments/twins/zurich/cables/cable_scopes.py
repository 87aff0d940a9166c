"""The scopes of all analysers behind one data server whose inputs receive their own outputs.

Gathers what outputs send and the triggers of each source (``scopes/0/trigger/channel``, node
documentation), and has records taken once all is known that lies in them. Outputs that are off
send nothing, inputs that are off hear nothing. A pulse of spectroscopy goes out with each trigger
that its channel has chosen, whether or not a program runs.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM, tone_amplitude
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.cables.analyser_cable import AnalyserCable
from podium.sim_instruments.twins.zurich.cables.cable_scope import (
    AT_ONCE,
    CONVERTER_STEPS,
    SAMPLE_FS,
    Shot,
    sample_at,
)
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.analyser_run import READOUT
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Integers
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import (
    BadScope,
    ScopeInput,
    ScopeRecording,
)
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun

KEPT: Final = 300_000
"""Samples for which pulses are kept that nobody waits for: 150 us, more than the 131 us by which a
record may begin before its trigger."""
MONITOR: Final = 64
"""Source 64 + n: the monitor trigger of channel n's sequencer (node documentation)."""
_SCOPE: Final = "scopes/0"
Runs = Mapping[tuple[str, str], ProgramRun]


@dataclass(slots=True, eq=False)
class _Instrument:
    """State of one instrument, as far as its scope depends on it."""

    setting: node_settings.Setting
    stamp: Callable[[int], int]
    cables: dict[int, AnalyserCable] = field(default_factory=dict)
    """By channel."""
    trains: dict[int, list[range]] = field(default_factory=dict)
    """By source: triggers that will come, femtoseconds."""
    tuned_fs: dict[int, int] = field(default_factory=dict)
    """By channel: when its node last tuned its oscillator, with no program in the way."""
    shot: Shot | None = None
    behind: bool = False

    def number(self, path: str) -> int:
        """Return what a number's node holds."""
        return int(node_settings.number(self.setting, path))


class CableScopes:
    """All of them; times are femtoseconds of the instruments' clock."""

    def __init__(
        self, runs: Runs, cabled: Callable[[str, int], bool], noise_seed: int | None
    ) -> None:
        """``runs``: those of now; ``cabled``: whether an analyser's channel has no line but the
        cable from its output; ``noise_seed``: of inputs on cables, None: they have no noise."""
        self._runs = runs
        self._cabled = cabled
        self._noise_seed = noise_seed
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

    def tuned(self, device: str, path: str, now_fs: int) -> None:
        """Hear that ``qachannels/n/oscs/0/freq`` was set: a program that is over counts no more."""
        known, at = self._instruments.get(device), path.removesuffix("/oscs/0/freq")
        if known is None or not at.startswith("qachannels/"):
            return
        run = self._runs.get((device, f"{at}/generator"))
        if run is None or not (run.going_on or run.playing):
            known.tuned_fs[int(at.rpartition("/")[2])] = now_fs

    def cable(self, run: ProgramRun) -> AnalyserCable:
        """Return the cable at the channel of an analyser's run."""
        known = self._instruments.get(run.device)
        if known is None:  # nobody looks at its scope
            return AnalyserCable(run.device, run.channel, run.setting, self._noise_seed)
        return self._cable(run.device, known, run.channel)

    def monitored(self, run: ProgramRun, times: Integers) -> None:
        """Hear when an analyser's run has triggered its monitor, samples from its start on."""
        known = self._instruments.get(run.device)
        if known is not None:
            first = run.start_fs // SAMPLE_FS
            self._trigger(known, MONITOR + run.channel, (first + times).tolist())

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
        for cable in known.cables.values():
            cable.forget(now - KEPT if begins is None else min(begins, now - KEPT))
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
        inputs, signals = [], []
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
            signal = _ScopeInput(
                partial(self._run, device, known, select),
                self._cable(device, known, select),
                f"scope {channel}",
            )
            centre_hz = node_settings.number(known.setting, f"{at}/centerfreq")
            full_scale_v = float(tone_amplitude(range_dbm)) * sqrt(2 * IMPEDANCE_OHM)
            step_v = full_scale_v / CONVERTER_STEPS / settings.averages
            inputs.append(ScopeInput(select, centre_hz, step_v))
            signals.append(signal)
        waits = bool(known.number(f"{_SCOPE}/trigger/enable"))
        return Shot(ScopeRecording(settings, tuple(inputs)), tuple(signals), now, not waits)

    def _told(self, known: _Instrument, shot: Shot) -> dict[str, Value]:
        vectors = shot.vectors(known.stamp)
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
            if settings.envelope is not None:
                starts = np.array(samples, np.int64) + settings.envelope_delay
                cable = self._cable(device, known, channel)
                cable.probe(starts, *cable.carriers(self._run(device, known, channel), starts))

    def _run(self, device: str, known: _Instrument, channel: int) -> ProgramRun | None:
        """Return the program that tunes the channel's oscillator; None: its node does."""
        run = self._runs.get((device, f"qachannels/{channel}/generator"))
        if run is not None and known.tuned_fs.get(channel, run.start_fs) > run.start_fs:
            return None
        return run

    def _cable(self, device: str, known: _Instrument, channel: int) -> AnalyserCable:
        if channel not in known.cables:
            known.cables[channel] = AnalyserCable(device, channel, known.setting, self._noise_seed)
        return known.cables[channel]


def _channels(known: _Instrument) -> Iterable[int]:
    channel = 0
    while True:
        try:
            known.setting(f"qachannels/{channel}/mode")
        except KeyError:
            return
        yield channel
        channel += 1


@dataclass(frozen=True, slots=True, eq=False)
class _ScopeInput:
    """The signal at one input, as a channel of the scope has it."""

    run: Callable[[], ProgramRun | None]
    """Returns the program that tunes the channel's oscillator."""
    cable: AnalyserCable
    listener: str

    def received(self, firsts: Integers, each: Integers) -> Complexes:
        """Return the sum of records, V."""
        return self.cable.received(firsts, each, self.run())

    def noise(self, shape: tuple[int, ...]) -> Complexes:
        """Return noise of the input's own, V."""
        return self.cable.noise(self.listener, shape)
