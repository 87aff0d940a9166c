"""Plays what a core of an HDAWG puts out on flux lines, part by part of a run: volts.

As with RF signals the world counts nanoseconds: two samples of 2 GSa/s are averaged. An HDAWG
beside SHF instruments runs at that rate (zhinst-toolkit 1.4.0, ``enable_qccs_mode``, second
generation); at another one, and with sines, it is not played on the world. Outputs whose filters
are enabled are written out sample by sample (:mod:`.precompensation`). ASSUMED: the filters are at
rest when a run begins.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.firmware_interfaces.zurich.precompensation import BLOCK
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.physics.worker_threads import worker_threads
from podium.sim_instruments.twins.level_pieces import train_of_words
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER, Trace
from podium.sim_instruments.twins.zurich.sequencer.render import Reals, waveform_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import AMPLITUDE_ONE, Kind, Row
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds
from podium.sim_instruments.twins.zurich.signals.precompensation import (
    WORD_MAX,
    FilterChain,
    Precompensation,
    each_ns,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import played_rows
from podium.sim_instruments.twins.zurich.signals.signal_pieces import held_piece

ROOT_W: Final = 1 / sqrt(2 * IMPEDANCE_OHM)
"""Square roots of a watt, as the world has them, for one volt."""
TAIL: Final = 2_000
"""Samples for which filters go on after the program: so long the world looks."""
SAMPLES_MAX: Final = 20_000_000
"""Of one output in one run that go through its filters."""
LONG_ROWS: Final = 2_000
"""So many plays and holds are worth the way to other threads: outputs are filtered side by side."""
_KEY: Final = (Row.KIND, Row.A, Row.B, Row.CONFIG, Row.AMPLITUDES_01)


class FluxPlayback:
    """The outputs of one core on their way through a run."""

    def __init__(
        self,
        outputs: Sequence[FluxOutput],
        sender: str,
        image: Image,
        begin_ns: int,
        late: int,
    ) -> None:
        """``begin_ns``: the core's sample 0; ``late``: samples from there to a connector."""
        self._on = [(number, one) for number, one in enumerate(outputs) if one.on]
        self._sender, self._image = sender, image
        self._begin_ns, self._late = begin_ns, late
        self._filtered = {
            number: _FilteredOutput(one, one.filters, sender, begin_ns, late)
            for number, one in self._on
            if one.filters is not None
        }

    def plays(
        self,
        trace: Trace,
        since: int = 0,
        until: int = NEVER,
        overflowed: Callable[[str], object] = str,
    ) -> list[PulseTrain]:
        """Return what leaves of the rows that begin from one sample on and before another one.

        Earlier rows of ``trace`` have been given, they show in what they leave to hold. NEVER: with
        them the program is at its end. ``overflowed`` hears the status node of filters that
        overflow. Levels are real, square roots of watts at 0 Hz. Raises :class:`CannotPrecompute`.
        """
        rows, before, longer = played_rows(trace, since)
        if since >= NEVER or not self._on or not (len(rows) or self._filtered):
            return []
        trouble = next((one.trouble for _, one in self._on if one.trouble), "")
        if trouble:
            raise CannotPrecompute(f"{self._sender}: {trouble}")

        def leaves(output: tuple[int, FluxOutput]) -> tuple[PulseTrain | None, bool]:
            number, one = output
            plays = _Plays(rows, before, longer, self._image, number, one)
            if number not in self._filtered:
                return plays.train(self._sender, self._begin_ns, self._late), False
            return self._filtered[number].plays(plays.levels, int(trace.end), until)

        found: list[PulseTrain] = []
        together = len(self._filtered) > 1 and len(rows) > LONG_ROWS
        each = worker_threads().map if together else map
        for (_, one), (train, cut) in zip(self._on, each(leaves, self._on), strict=True):
            if cut:
                overflowed(one.status)
            if train is not None:
                found.append(train)
        return found


class _FilteredOutput:
    """One output behind its filters."""

    def __init__(
        self,
        output: FluxOutput,
        filters: Precompensation,
        sender: str,
        begin_ns: int,
        late: int,
    ) -> None:
        self._output, self._sender, self._begin_ns = output, sender, begin_ns
        self._shift = late + filters.latency
        """Samples from the sequencer to the connector."""
        self._chain = FilterChain(filters)
        self._samples = 0
        self._time: Integers = np.zeros(0, np.int64)
        self._words: Integers = np.zeros(0, np.int64)
        """Changes that have not been sent."""
        self._sent_ns = self._word = 0
        """Until when all was sent, from sample 0 on, and what leaves by then."""

    def plays(
        self, levels: Callable[[], tuple[Integers, Reals]], ends: int, until: int
    ) -> tuple[PulseTrain | None, bool]:
        """Take what comes in before a sample; return what leaves, and whether it was cut.

        NEVER: nothing comes after it, and the program is over at sample ``ends``.
        """
        time, level = levels()
        self._samples += len(time)
        if self._samples > SAMPLES_MAX:
            raise CannotPrecompute(
                f"{self._sender}: {self._samples} samples go through the filters of "
                f"{self._output.connector}; this twin filters up to {SAMPLES_MAX} in one run"
            )
        over = until >= NEVER
        if over:
            until = max(ends, int(time[-1]) + 1 if len(time) else 0) + TAIL
        else:
            until = max(until // BLOCK * BLOCK, self._chain.known)
        times, words, cut = self._chain.advance(time, level, until)
        self._time = np.concatenate([self._time, times + self._shift])
        self._words = np.concatenate([self._words, words])
        return self._send(until + self._shift + over >> 1, over=over), cut

    def _send(self, until_ns: int, *, over: bool) -> PulseTrain | None:
        """Return what leaves before a time and was not sent; ``over``: and all that comes after."""
        count = len(self._time) if over else int(np.searchsorted(self._time, 2 * until_ns))
        since_ns, before = self._sent_ns, self._word
        when, doubled = each_ns(self._time[:count], self._words[:count], before)
        if not over:  # a change in its last nanosecond is over with what is sent next
            when, doubled = when[when < until_ns], doubled[when < until_ns]
        if before and not (len(when) and when[0] == since_ns):
            when, doubled = np.append(since_ns, when), np.append(2 * before, doubled)
        if count:
            self._word = int(self._words[count - 1])
        self._time, self._words = self._time[count:], self._words[count:]
        self._sent_ns = until_ns
        scale = self._output.full_scale_v * ROOT_W / WORD_MAX

        def signal_of(words: Integers) -> NDArray[np.complex128]:
            return (words[:, 0] / 2).astype(np.complex128) * scale

        return train_of_words(
            self._output.connector,
            self._sender,
            when + self._begin_ns,
            (doubled.reshape(-1, 1), signal_of),
            until_ns + self._begin_ns,
        )


class _Plays:
    """Plays and holds of a core, as one of its outputs has them."""

    def __init__(
        self,
        rows: Integers,
        before: Integers,
        longer: Integers,
        image: Image,
        number: int,
        output: FluxOutput,
    ) -> None:
        """``rows``, ``before``, ``longer``: as of :func:`.played_rows`."""
        self._rows, self._before, self._longer = rows, before, longer
        self._image, self._number, self._output = image, number, output

    def train(self, sender: str, begin_ns: int, late: int) -> PulseTrain | None:
        """Return what leaves where no filter is; None: nothing."""
        time = self._rows[:, Row.TIME] + late
        first, kind = self._kinds(time & 1)
        pieces = tuple(self._piece(k, int(time[k] & 1)) for k in first.tolist())
        if all(not part.level and not np.any(part.samples) for part in pieces):
            return None
        start_ns, phases = begin_ns + (time >> 1), np.zeros(len(time))
        line = self._output.connector
        return PulseTrain(line, start_ns, kind.astype(np.int32), phases, pieces, sender)

    def levels(self) -> tuple[Integers, Reals]:
        """Return samples at which a level begins, and the levels: the converter's full scale is 1.

        Where nothing follows the last play at once, it ends with 0.
        """
        first, kind = self._kinds()
        scale = self._output.volts / self._output.full_scale_v
        levels, steps, lasts = [], [], []
        for k in first.tolist():
            signal = self._signal(k, scale)
            held = self._rows[k, Row.KIND] == Kind.HOLD
            levels.append(signal[-1:] if held else signal)
            steps.append(np.arange(len(levels[-1])))
            longer = int(self._longer[k])
            lasts.append(int(self._rows[k, Row.A]) if held else len(signal) + longer)
        times: list[Integers] = []
        values: list[Reals] = []
        starts = self._rows[:, Row.TIME].tolist()
        for number, (begin, which) in enumerate(zip(starts, kind.tolist(), strict=True)):
            times.append(steps[which] + begin)
            values.append(levels[which])
            over = begin + lasts[which]
            if number + 1 == len(starts) or starts[number + 1] > over:
                times.append(np.array([over]))
                values.append(np.zeros(1))
        if not times:
            return np.zeros(0, np.int64), np.zeros(0)
        return np.concatenate(times).astype(np.int64), np.clip(np.concatenate(values), -1.0, 1.0)

    def _kinds(self, *more: Integers) -> tuple[Integers, Integers]:
        """Return the first of each kind of equal rows, and the kind of each row."""
        key = np.column_stack([self._rows[:, list(_KEY)], self._before, self._longer, *more])
        _, first, kind = np.unique(key, axis=0, return_index=True, return_inverse=True)
        return first, kind.reshape(-1)

    def _signal(self, k: int, scale: float) -> Reals:
        """Return the samples of a play; a hold's are those of the play before it."""
        played = self._rows[k].copy()
        if played[Row.KIND] == Kind.HOLD:
            played[Row.A] = self._before[k]
        packed = np.ascontiguousarray(played[[Row.AMPLITUDES_01]])
        amplitude = packed.view("<i4")[self._number] / AMPLITUDE_ONE * scale
        wave = waveform_of(played.tolist(), self._image)[self._number]
        return np.asarray(wave.sum(axis=0) * amplitude)

    def _piece(self, k: int, late: int) -> Piece:
        """Return a play as it leaves in nanoseconds."""
        row, signal = self._rows[k], self._signal(k, self._output.volts * ROOT_W)
        if row[Row.KIND] == Kind.HOLD:
            return held_piece(0.0, complex(signal[-1]), int(row[Row.A]), late)
        samples = in_nanoseconds(signal.astype(np.complex128), late)
        loud = np.flatnonzero(signal) + late
        if loud.size:  # what tells fast signals apart spreads a sharp one into its silence
            samples[: loud[0] >> 1] = samples[(loud[-1] >> 1) + 1 :] = 0.0
        longer = int(self._longer[k]) // 2
        return Piece(0.0, samples, complex(signal[-1]), len(samples) + longer)
