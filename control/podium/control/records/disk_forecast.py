"""Says for how long the disk of the records will do, from what was recorded lately."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from podium.control.records.record_folder import RecordFolder

DAY_S: Final = 86_400.0
WINDOW_DAYS: Final = 7.0
"""Of what was recorded in so many days the rate is taken: a week has its quiet days in it."""
TOLD_DAYS: Final = 14.0
"""ASSUMED: who is notified a fortnight before has time to prune, or to buy a disk."""


@dataclass(frozen=True, slots=True)
class DiskForecast:
    """Forecasts when the disk of the data is full."""

    free_bytes: int
    """Beyond what is always left free; 0: no more runs are taken."""
    day_bytes: float
    """Recorded each day, on average over the last week or since the first run in it."""

    @property
    def days(self) -> float:
        """Return for how many days there is room, at that rate."""
        return self.free_bytes / self.day_bytes if self.day_bytes else float("inf")

    @property
    def fills(self) -> bool:
        """Return whether somebody has to be notified."""
        return not self.free_bytes or self.days < TOLD_DAYS

    def __str__(self) -> str:
        free = f"{self.free_bytes / 1e6:.0f} MB are free"
        if not self.free_bytes:
            return "the disk of the records is full: runs are refused; `podium data prune`"
        if not self.day_bytes:
            return f"the disk of the records: {free}"
        return (
            f"the disk of the records has room for about {self.days:.3g} days: {free}, "
            f"{self.day_bytes / 1e6:.3g} MB are recorded each day"
        )


def disk_forecast(records: "RecordFolder", now_s: float) -> DiskForecast:
    """Return how the disk fills; ``now_s``: Unix time. Raises ``RecordsError``.

    The rate is at least that of what was recorded since the first run of the week, taken as a day
    where it was less: one large run an hour ago is no rate.
    """
    size, first_s = records.index.written_since(now_s - WINDOW_DAYS * DAY_S)
    days = max(1.0, (now_s - first_s) / DAY_S) if size else 1.0
    return DiskForecast(records.room_bytes, size / min(days, WINDOW_DAYS))
