"""A cable from the output of an analyser's channel to its input: what is played on it, and heard.

Full scale out is 1 V in, at once. Signals are about the channel's centre frequency, which both ends
have in common. An output that is off sends nothing, an input that is off receives noise alone.

ASSUMED of the noise, as no figure of the vendor's was found: in 1 Hz it is 140 dB below the range
that is set, as the converter and what is before it leave it, and no less than 10 dB above what 50
ohms have at 290 K.
"""

from dataclasses import replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.cable import Cable, CableSession, WhiteNoise
from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import Carriers
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
    IntegratorSums,
    Readouts,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import (
    OSCILLATOR,
    SpectroscopySettings,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy_trains import (
    ProbeSettings,
    points_of,
    probed,
    stretches_of,
)
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, oscillator_at
from podium.sim_instruments.twins.zurich.signals.nanoseconds import OWN
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    capture_trains,
    readout_trains,
    results_of,
)

FULL_SCALE_DBM: Final = 10.0
"""Of a sine of 1 V into 50 ohms."""
ROOT_W: Final = 1 / sqrt(2 * IMPEDANCE_OHM)
"""Square roots of a watt, as lines have them, for one volt."""
BELOW_RANGE_DB: Final = 140.0
"""In 1 Hz."""
LEAST_DBM_PER_HZ: Final = -164.0
_CENTRE_HZ: Final = 0.0
_READOUT: Final = 1
"""Value of ``qachannels/N/mode``."""

Reals = NDArray[np.float64]


def density_dbm_per_hz(range_dbm: float) -> float:
    """Return how much power there is in 1 Hz at an input range (``input/range``)."""
    powers = 10 ** (np.array([range_dbm - BELOW_RANGE_DB, LEAST_DBM_PER_HZ]) / 10)
    return float(10 * np.log10(powers.sum()))


def sigma_v(range_dbm: float) -> float:
    """Return the root of a sample's mean squared magnitude, V, at 2 GSa/s.

    As everywhere here a sample is the amplitude of a sine: half its square is power times 50 ohms.
    """
    return _noisy(range_dbm).noise_sigma / ROOT_W


def _noisy(range_dbm: float) -> Cable:
    density = 10 ** (density_dbm_per_hz(range_dbm) / 10) * 1e-3
    return Cable("", noise_w_per_hz=density, samples_per_ns=OWN)


class AnalyserCable:
    """One channel's cable. Samples are those of 2 GSa/s from where the instruments' clock begins;
    those of a run count from its start."""

    def __init__(
        self, device: str, channel: int, setting: node_settings.Setting, noise_seed: int | None
    ) -> None:
        """``noise_seed``: None: its input has no noise."""
        self.channel = channel
        self._at = f"qachannels/{channel}"
        self._setting = setting
        self._line = f"{device}.qa{channel}"
        self._seed = noise_seed
        self._noises: dict[str, WhiteNoise] = {}
        self._session = CableSession(Cable(self._line), self._noise("results"))
        self.needed_from: int | None = None
        """The first sample of what results still have to be made of; None: of nothing."""

    @property
    def sends(self) -> bool:
        """Tell whether its output is on."""
        return bool(self._number("output/on"))

    def read_out(
        self,
        run: ProgramRun,
        started: Readouts,
        waves: dict[int, Complexes],
        delay: int,
        carriers: Carriers | None,
    ) -> None:
        """Play the pulses of readouts."""
        if self.sends:
            begin_ns = run.start_fs // FS_PER_NS
            self._session_now().play(
                tuple(
                    readout_trains(
                        self._line, "", started, waves, delay, _CENTRE_HZ, FULL_SCALE_DBM,
                        begin_ns, carriers, samples_per_ns=OWN,
                    )
                )
            )  # fmt: skip

    def probe(self, starts: Integers, turns: Reals, hz: Reals) -> None:
        """Play the envelope of spectroscopy from some samples on.

        It keeps the phase and the frequency that its oscillator begins with.
        """
        settings = node_settings.spectroscopy_settings(self._setting, self._at)
        if settings.envelope is None or not self.sends or not len(starts):
            return
        late = starts & 1
        kinds, which = distinct_rows((hz, late))
        shape = settings.envelope * settings.gain * ROOT_W
        each = np.arange(len(shape))
        pieces = []
        for one_hz, odd in zip(hz[kinds].tolist(), late[kinds].tolist(), strict=True):
            # A piece that begins within a nanosecond has half of that in silence.
            samples = np.concatenate([np.zeros(odd), shape, np.zeros((odd + len(each)) % 2)])
            pieces.append(Piece(one_hz, samples, 0j, len(samples) // OWN))
        at_start = (turns - hz * late / SAMPLE_RATE_HZ) % 1.0
        number = which.reshape(-1).astype(np.int32)
        train = PulseTrain(
            self._line, starts // OWN, number, at_start, tuple(pieces), samples_per_ns=OWN
        )
        self._session_now().play((train,))

    def results(
        self,
        run: ProgramRun,
        started: Readouts,
        settings: ReadoutSettings,
        units: int,
        carriers: Carriers | None,
    ) -> IntegratorSums:
        """Return the sums of integrators over readouts."""
        begin_ns = run.start_fs // FS_PER_NS
        trains = capture_trains(
            self._line, started, settings, _CENTRE_HZ, begin_ns, carriers, samples_per_ns=OWN
        )
        captures = [one.train for one in trains.values()]
        answers = self._session_now().go_on((), captures, range(len(captures)))
        return results_of(len(started.time), units, trains, answers)

    def points(
        self, run: ProgramRun, settings: SpectroscopySettings, triggers: Integers
    ) -> Complexes:
        """Return what spectroscopy integrates after triggers, V, shape (triggers,)."""
        turning = node_settings.oscillators(self._setting, self._at, 1)
        begin_ns = run.start_fs // FS_PER_NS
        one = probed(
            self._line, run.trace, ProbeSettings(settings, turning, None), triggers, _CENTRE_HZ,
            begin_ns, samples_per_ns=OWN,
        )  # fmt: skip
        session = self._session_now()
        (answer,) = session.go_on((), (one.train,), (0,))
        if settings.envelope is None and self.sends:
            tone = _tone(
                self._line, settings.gain, one.train.start_ns, one.train.phase_turns,
                [(window.demod_hz, window.duration_ns) for window in one.train.windows],
                one.train.window,
            )  # fmt: skip
            heard = answer.integrated + session.integrals((tone,), one.train)
            answer = replace(answer, integrated=heard)
        return points_of(one, answer)[:, 0]

    def received(self, firsts: Integers, each: Integers, run: ProgramRun | None) -> Complexes:
        """Return the sum of records that begin at some samples, V, shape of ``each``.

        ``each``: their samples, from the first one on. ``run``: of the channel's sequencer, which
        tunes its oscillators; None: none has run.
        """
        session = self._session_now()
        found = session.received(firsts, each)
        if self.sends and self._number("mode") != _READOUT:
            settings = node_settings.spectroscopy_settings(self._setting, self._at)
            if settings.envelope is None and settings.gain:
                tone = self._steady(firsts, int(each[-1]) + 1, run, settings.gain)
                found += session.records((tone,), firsts - (firsts & 1), each)
        return np.asarray(found / ROOT_W)

    def noise(self, listener: str, shape: tuple[int, ...]) -> Complexes:
        """Return noise of its input, V, as one listener has it."""
        return self._noise(listener).samples(sigma_v(self._number("input/range")), shape)

    def carriers(self, run: ProgramRun | None, samples: Integers) -> tuple[Reals, Reals]:
        """Return phase, turns, and frequency, Hz, of the oscillator of spectroscopy at samples.

        A program that runs, or has run since the node was set, says what it is. ASSUMED: without
        one its phase is 0 where the instruments' clock begins.
        """
        turning = node_settings.oscillators(self._setting, self._at, 1)
        if run is None:
            return _untouched(turning, samples)
        times = np.maximum(samples - _first(run), 0)
        return oscillator_at(run.trace, turning, OSCILLATOR, SAMPLE_RATE_HZ, times)

    def forget(self, before: int) -> None:
        """Drop what was over before a sample, but for what results have to be made of."""
        needed = before if self.needed_from is None else min(before, self.needed_from)
        self._session.forget(needed // OWN)

    def _steady(
        self, firsts: Integers, span: int, run: ProgramRun | None, gain: float
    ) -> PulseTrain:
        """Return the oscillator while records are taken, as if all began on a nanosecond."""
        turning = node_settings.oscillators(self._setting, self._at, 1)
        origin = 0 if run is None else _first(run)
        begins = firsts - origin
        if run is None or begins[0] < 0:
            turns, hz = _untouched(turning, firsts)
            begin, end = firsts - (firsts & 1), firsts - (firsts & 1) + span
        else:
            parts = stretches_of(run.trace, turning, begins, begins + span)
            turns, hz, odd = parts.turns, parts.hz, firsts[parts.of] & 1
            begin, end = parts.begin + origin - odd, parts.end + origin - odd
        # ASSUMED: an oscillator is tuned on a nanosecond of the records.
        lasts = (end - begin) // OWN
        kinds, which = distinct_rows((hz, lasts))
        pairs = list(zip(hz[kinds].tolist(), lasts[kinds].tolist(), strict=True))
        number = which.reshape(-1).astype(np.int32)
        return _tone(self._line, gain, begin // OWN, turns, pairs, number)

    def _session_now(self) -> CableSession:
        """Return the session with its input as it is set now."""
        noise = _noisy(self._number("input/range")).noise_w_per_hz if self._seed is not None else 0
        gain = 1.0 if self._number("input/on") else 0.0
        self._session.cable = Cable(self._line, gain=gain, noise_w_per_hz=noise, samples_per_ns=OWN)
        return self._session

    def _noise(self, listener: str) -> WhiteNoise:
        names = "/".join((*self._line.split(".qa"), listener))
        return self._noises.setdefault(listener, WhiteNoise(self._seed, names, "input noise"))

    def _number(self, path: str) -> float:
        return node_settings.number(self._setting, f"{self._at}/{path}")


def _first(run: ProgramRun) -> int:
    """Return at which sample a run begins."""
    return run.start_fs // FS_PER_NS * OWN


def _untouched(turning: Oscillators, samples: Integers) -> tuple[Reals, Reals]:
    """Return phase and frequency of an oscillator that no program tunes: exact to a millihertz."""
    hz, milli = turning.hz[OSCILLATOR], SAMPLE_RATE_HZ * 1000
    turns = [round(hz * 1000) * one % milli / milli for one in samples.tolist()]
    return np.array(turns, np.float64), np.full(len(turns), hz)


def _tone(
    line: str,
    gain: float,
    start_ns: Integers,
    turns: Reals,
    pieces: list[tuple[float, int]],
    which: NDArray[np.int32],
) -> PulseTrain:
    """Return an oscillator as it is; ``pieces``: frequencies, Hz, and durations, ns."""
    nothing, level = np.zeros(0, np.complex128), complex(gain * ROOT_W)
    made = tuple(Piece(hz, nothing, level, lasts_ns) for hz, lasts_ns in pieces)
    return PulseTrain(line, start_ns, which, turns % 1.0, made, samples_per_ns=OWN)
