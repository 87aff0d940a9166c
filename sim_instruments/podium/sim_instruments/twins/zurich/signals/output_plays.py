"""Plays and holds of an HDAWG's core, as one of its outputs has them."""

from functools import cached_property
from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.render import Reals, waveform_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import AMPLITUDE_ONE, Kind, Row
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds
from podium.sim_instruments.twins.zurich.signals.signal_pieces import held_piece

ROOT_W: Final = 1 / sqrt(2 * IMPEDANCE_OHM)
"""Square roots of a watt, as the world has them, for one volt."""
_KEY: Final = (Row.KIND, Row.A, Row.B, Row.CONFIG, Row.AMPLITUDES_01)


class OutputPlays:
    """Rows of a core that play or hold, and what one output makes of them."""

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

    @property
    def begin(self) -> Integers:
        """Return the sample at which each row begins."""
        return self._rows[:, Row.TIME]

    @cached_property
    def over(self) -> Integers:
        """Return the sample from which on nothing of each row is played."""
        lasts = [
            int(self._rows[k, Row.A]) if self._holds(k) else len(level) + int(self._longer[k])
            for k, level in zip(self._kinds[0].tolist(), self._levels, strict=True)
        ]
        return self.begin + np.array(lasts, np.int64)[self.kind]

    @property
    def kind(self) -> Integers:
        """Return a number for each row; equal rows have equal ones."""
        return self._kinds[1]

    @cached_property
    def _kinds(self) -> tuple[Integers, Integers]:
        return self._distinct()

    @cached_property
    def _levels(self) -> list[Reals]:
        """The levels of each kind of rows; a hold has one."""
        scale = self._output.volts / self._output.full_scale_v
        signals = [(self._signal(k, scale), self._holds(k)) for k in self._kinds[0].tolist()]
        return [np.clip(one[-1:] if held else one, -1.0, 1.0) for one, held in signals]

    def _holds(self, k: int) -> bool:
        return bool(self._rows[k, Row.KIND] == Kind.HOLD)

    def train(self, sender: str, begin_ns: int, late: int) -> PulseTrain | None:
        """Return what leaves where no filter is; None: nothing."""
        time = self.begin + late
        first, kind = self._distinct(time & 1)
        pieces = tuple(self._piece(k, int(time[k] & 1)) for k in first.tolist())
        if all(not part.level and not np.any(part.samples) for part in pieces):
            return None
        start_ns, phases = begin_ns + (time >> 1), np.zeros(len(time))
        line = self._output.connector
        return PulseTrain(line, start_ns, kind.astype(np.int32), phases, pieces, sender)

    def levels(self, since: int, until: int) -> tuple[Integers, Reals]:
        """Return samples at which a level begins, and the levels: the converter's full scale is 1.

        Of the rows from one on and before another. Where nothing follows a play at once, it ends
        with 0.
        """
        times: list[Integers] = []
        values: list[Reals] = []
        starts, over = self.begin[since:until].tolist(), self.over[since:until].tolist()
        for number, kind in enumerate(self.kind[since:until].tolist()):
            level = self._levels[kind]
            times.append(np.arange(starts[number], starts[number] + len(level)))
            values.append(level)
            if number + 1 == len(starts) or starts[number + 1] > over[number]:
                times.append(np.array([over[number]]))
                values.append(np.zeros(1))
        if not times:
            return np.zeros(0, np.int64), np.zeros(0)
        return np.concatenate(times).astype(np.int64), np.concatenate(values)

    def _distinct(self, *more: Integers) -> tuple[Integers, Integers]:
        """Return the first of each kind of equal rows, and the kind of each row."""
        columns = (self._rows[:, one] for one in _KEY)
        return distinct_rows((*columns, self._before, self._longer, *more))

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
        if self._holds(k):
            return held_piece(0.0, complex(signal[-1]), int(row[Row.A]), late)
        samples = in_nanoseconds(signal.astype(np.complex128), late)
        longer = int(self._longer[k]) // 2
        return Piece(0.0, samples, complex(signal[-1]), len(samples) + longer)
