"""Plays what a core of an HDAWG puts out on flux lines, part by part of a run: volts.

As with RF signals the world counts nanoseconds: two samples of 2 GSa/s are averaged. An HDAWG
beside SHF instruments runs at that rate (zhinst-toolkit 1.4.0, ``enable_qccs_mode``, second
generation); at another one, and with sines, it is not played on the world. Outputs whose filters
are enabled go through them (:mod:`.filtered_output`). ASSUMED: the filters are at
rest when a run begins.
"""

from collections.abc import Callable, Sequence
from typing import Final

from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.physics.worker_threads import side_by_side
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.sequencer.image import Image
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER, Trace
from podium.sim_instruments.twins.zurich.signals.filtered_output import FilteredOutput
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.output_plays import OutputPlays
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import played_rows

LONG_ROWS: Final = 2_000
"""So many plays and holds are worth the way to other threads: outputs are filtered side by side."""


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
            number: FilteredOutput(one, one.filters, sender, begin_ns, late + one.delay)
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
            plays = OutputPlays(rows, before, longer, self._image, number, one)
            if number not in self._filtered:
                late = self._late + one.delay
                return plays.train(self._sender, self._begin_ns, late), False
            return self._filtered[number].plays(plays, int(trace.end), until)

        found: list[PulseTrain] = []
        together = len(self._filtered) > 1 and len(rows) > LONG_ROWS
        played = side_by_side(leaves, self._on, worth=together)
        for (_, one), (train, cut) in zip(self._on, played, strict=True):
            if cut:
                overflowed(one.status)
            if train is not None:
                found.append(train)
        return found
