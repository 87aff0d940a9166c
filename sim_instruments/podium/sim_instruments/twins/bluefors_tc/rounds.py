"""The state machine of measurements: one channel after the other, a result at the end of each."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """One channel of a round."""

    channel: int
    length_fs: int
    """Waiting and measuring; the result comes at the end."""


@dataclass(frozen=True, slots=True)
class Round:
    """Stops that follow each other over and over from ``begun_fs`` on."""

    stops: tuple[Stop, ...]
    begun_fs: int

    @property
    def period_fs(self) -> int:
        """Return the length of a round; 0 where nothing is measured."""
        return sum(stop.length_fs for stop in self.stops)

    def results(self, since_fs: int, until_fs: int) -> Iterator[tuple[int, int]]:
        """Yield time and channel of the results in (since, until], in order."""
        period_fs = self.period_fs
        if not period_fs:
            return
        number = max(0, (since_fs - self.begun_fs) // period_fs)
        while True:
            end_fs = self.begun_fs + number * period_fs
            if end_fs > until_fs:
                return
            for stop in self.stops:
                end_fs += stop.length_fs
                if since_fs < end_fs <= until_fs:
                    yield end_fs, stop.channel
            number += 1


class MeasurementRounds:
    """The rounds say which channel is measured when, also after the round was changed."""

    KEPT = 50
    """Rounds that are remembered. ASSUMED: a history does not reach back over more changes."""

    def __init__(self, stops: tuple[Stop, ...]) -> None:
        """It has measured ``stops`` since time 0."""
        self._rounds = [Round(stops, 0)]

    def change(self, stops: tuple[Stop, ...], now_fs: int) -> None:
        """Begin another round; the measurement that is under way has no result."""
        self._rounds = [*self._rounds[1 - self.KEPT :], Round(stops, now_fs)]

    def results(self, since_fs: int, until_fs: int) -> list[tuple[int, int]]:
        """Return time and channel of the results in (since, until], in order."""
        found: list[tuple[int, int]] = []
        ends = [one.begun_fs for one in self._rounds[1:]] + [until_fs]
        for one, end_fs in zip(self._rounds, ends, strict=True):
            found += one.results(since_fs, min(end_fs, until_fs))
        return found

    def latest(self, now_fs: int) -> tuple[int, int] | None:
        """Return time and channel of the last result; None: there is none."""
        for one, end_fs in zip(
            reversed(self._rounds),
            [now_fs, *(later.begun_fs for later in reversed(self._rounds[1:]))],
            strict=True,
        ):
            until_fs = min(end_fs, now_fs)
            found = list(one.results(until_fs - 2 * one.period_fs, until_fs))
            if found:
                return found[-1]
        return None

    def channel(self, now_fs: int) -> int:
        """Return the channel that is measured now, or was last; 1: none ever was."""
        now = self._rounds[-1]
        if not now.stops:
            latest = self.latest(now_fs)
            return 1 if latest is None else latest[1]
        into_fs = (now_fs - now.begun_fs) % now.period_fs
        for stop in now.stops:
            into_fs -= stop.length_fs
            if into_fs < 0:
                return stop.channel
        return now.stops[-1].channel
