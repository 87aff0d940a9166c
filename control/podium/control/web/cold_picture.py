"""Holds what the page knows of the cold side: the supervisor's latest news, and when it came."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite

from podium.control.bus.cold import ColdNews, ColdProcedureNews, Rehearsal, TaiFs
from podium.firmware_interfaces.exact_time import FS_PER_S

SILENT_S = 5.0
"""The supervisor publishes each second: silence of so many s of the wall makes its news old."""
LEAST_SPAN_S = 0.5
"""Wall time between two news from which the pace of the facility's clock is taken."""


def seconds_of(tai: TaiFs) -> float:
    """Return TAI in s, for pictures and ages."""
    return tai[0] + tai[1] / FS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredRehearsal:
    """A rehearsal, and when it begins on the facility's clock."""

    rehearsal: Rehearsal
    begin_tai_s: float
    procedure_id: str = ""
    """Id of the procedure that runs in its corridor; empty: of none."""


@dataclass(slots=True, eq=False)
class ColdPicture:
    """The latest news of the cold side."""

    news: ColdNews | None = None
    heard_s: float = 0.0
    """When it came, by :attr:`clock`."""
    pace: float = 1.0
    """Seconds of the facility's clock in a second of the wall's."""
    rehearsals: dict[str, AnchoredRehearsal] = field(default_factory=dict)
    """The latest of each fridge."""
    clock: Callable[[], float] = time.monotonic
    """Wall time in s; never goes back."""
    _pace_from: tuple[float, float] | None = None

    def take(self, news: ColdNews) -> None:
        """Take note of the supervisor's news."""
        self.heard_s = self.clock()
        if news.tai is not None:
            self._take_pace(seconds_of(news.tai))
        self.news = news

    def silent_s(self) -> float | None:
        """Return for how long the supervisor has said nothing, wall s; None: it never spoke."""
        return None if self.news is None else max(0.0, self.clock() - self.heard_s)

    def is_old(self) -> bool:
        """Tell whether nothing of what is known may count as good any longer."""
        silent_s = self.silent_s()
        return silent_s is None or silent_s > SILENT_S

    def tai_s(self) -> float | None:
        """Return the facility's time as it goes on from the latest news, s."""
        if self.news is None or self.news.tai is None:
            return None
        return seconds_of(self.news.tai) + self.pace * (self.clock() - self.heard_s)

    def take_rehearsal(self, anchored: AnchoredRehearsal) -> AnchoredRehearsal:
        """Take note of a fridge's latest rehearsal, and return it."""
        self.rehearsals[anchored.rehearsal.fridge] = anchored
        return anchored

    def without_corridor(self) -> tuple[ColdProcedureNews, ...]:
        """Return the procedures under way whose corridor is not known."""
        known = {one.procedure_id for one in self.rehearsals.values()}
        return tuple(
            one
            for one in (() if self.news is None else self.news.procedures)
            if one.state == "running"
            and not one.dry_run
            and one.began is not None
            and one.id not in known
        )

    def _take_pace(self, tai_s: float) -> None:
        if self._pace_from is None or tai_s < self._pace_from[0]:
            self._pace_from = (tai_s, self.heard_s)
            return
        span_s = self.heard_s - self._pace_from[1]
        if span_s >= LEAST_SPAN_S:
            pace = (tai_s - self._pace_from[0]) / span_s
            self.pace = pace if isfinite(pace) else 1.0
            self._pace_from = (tai_s, self.heard_s)
