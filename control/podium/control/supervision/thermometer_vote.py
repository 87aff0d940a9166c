"""Tells a sensor that drifts, sticks or is off from a stage that warms: its thermometers vote.

Sensors of one stage may differ by a constant factor, as calibrations do. What counts is that the
factor stays: when it changes, the sensor that left its own course is the one at fault. A stage
with a single sensor has no vote; only a stuck value is found there.
"""

from dataclasses import dataclass, field
from math import exp, inf, log

from podium.control.records.latest_readings import Latest
from podium.firmware_interfaces.exact_time import FS_PER_S

FACTOR_S = 86_400.0
"""Time constant with which the factor between two sensors is learned."""
COURSE_S = 2700.0
"""The same of a sensor's own course."""
COURSE_MOST = 0.2
"""A reading moves it by this part at most, however long ago the last one was."""
FAST_S = 60.0
"""The same of what is compared with both."""
APART = 0.03
"""Least change of the factor between two sensors that counts, ln."""
SIGMAS = 7.0
LEAST_K, MOST_K = 5e-4, 400.0
"""A thermometer that shows less or more shows nothing."""
STUCK_READINGS = 15
"""So many equal readings of a sensor whose readings have scattered."""
SCATTERED = 20
"""So many different readings before, for a sensor to count as one that scatters."""
TRAIL = 12
"""So many readings of a sensor are kept, to compare with another that is read less often."""
LOST_S, LOST_VIEWS = 60.0, 3
"""So long, and in so many views, a sensor gives nothing before it counts as disconnected."""
LEARNS_S = 1800.0
"""Before it nothing is judged."""
BACK = 0.5
"""Of the threshold, below which a sensor is trusted again."""


@dataclass(slots=True)
class SensorCourse:
    """Course of one sensor, as far as it is remembered."""

    fast: float
    """ln K, over :data:`FAST_S`."""
    course: float
    """ln K, over :data:`COURSE_S`."""
    scatter: float = 1e-4
    """Mean square of the difference of two successive readings, ln."""
    last: float = 0.0
    at: tuple[int, int] | None = None
    equal: int = 0
    different: int = 0
    age_s: float = 0.0
    rate: float = 0.0
    """How fast it changed between its last two readings, ln/s, without sign."""
    trail: tuple[tuple[tuple[int, int], float], ...] = ()
    """Its last readings: TAI and ln K."""
    lost_s: float = 0.0
    """Since when it gives no good value."""
    lost: int = 0
    """In how many views it has given none."""


@dataclass(frozen=True, slots=True)
class SensorFault:
    """A sensor that is not believed."""

    reading: str
    fault: str
    """``drift``, ``stuck`` or ``disconnected``."""
    apart: float
    """By how much its ln K is off; 0 where that is not known."""


@dataclass(slots=True)
class StageVote:
    """The thermometers of one stage."""

    courses: dict[str, SensorCourse] = field(default_factory=dict)
    factors: dict[tuple[str, str], float] = field(default_factory=dict)
    """ln of the factor between two sensors, learned."""
    distrusted: dict[str, SensorFault] = field(default_factory=dict)

    def copy(self) -> "StageVote":
        """Return one that goes its own way."""
        courses = {
            name: SensorCourse(*(getattr(one, slot) for slot in SensorCourse.__slots__))
            for name, one in self.courses.items()
        }
        return StageVote(courses, dict(self.factors), dict(self.distrusted))

    def hear(self, readings: tuple[Latest, ...], for_s: float) -> dict[str, float]:
        """Take readings, ``for_s`` after the last, and return those believed, ln K by name."""
        fresh: dict[str, float] = {}
        for one in readings:
            value = one.good
            if value is None or not LEAST_K < value < MOST_K:
                self._lose(one, for_s)
                continue
            fresh[one.name] = value = log(value)
            self._take(one, value, for_s)
        self._judge_factors(fresh, for_s)
        return {name: value for name, value in fresh.items() if name not in self.distrusted}

    def _lose(self, one: Latest, for_s: float) -> None:
        course = self.courses.get(one.name)
        if course is None:
            return
        course.lost_s, course.lost = course.lost_s + for_s, course.lost + 1
        if course.lost_s > LOST_S and course.lost >= LOST_VIEWS and one.name not in self.distrusted:
            self.distrusted[one.name] = SensorFault(one.name, "disconnected", 0.0)

    def _take(self, one: Latest, value: float, for_s: float) -> None:
        course = self.courses.get(one.name)
        if course is None:
            self.courses[one.name] = SensorCourse(value, value, last=value, at=one.tai)
            return
        known = self.distrusted.get(one.name)
        if known is not None and known.fault == "disconnected":
            del self.distrusted[one.name]
        course.lost_s, course.lost = 0.0, 0
        if one.tai is not None and one.tai == course.at:
            return  # it was taken before
        if course.at is not None and one.tai is not None:
            for_s = max(0.0, seconds_between(course.at, one.tai))
        course.rate = abs(value - course.last) / max(for_s, 1.0)
        self._compare_with_last(one.name, course, value)
        course.at = one.tai
        if one.tai is not None:
            course.trail = (*course.trail[1 - TRAIL :], (one.tai, value))
        course.age_s += for_s
        course.fast += (value - course.fast) * (1.0 - exp(-for_s / FAST_S))
        if one.name not in self.distrusted:
            part = for_s / min(COURSE_S, max(course.age_s, 1e-3))
            course.course += (value - course.course) * min(COURSE_MOST, part)

    def _compare_with_last(self, name: str, course: SensorCourse, value: float) -> None:
        known = self.distrusted.get(name)
        if value == course.last:
            course.equal += 1
            if course.equal >= STUCK_READINGS and course.different >= SCATTERED and known is None:
                self.distrusted[name] = SensorFault(name, "stuck", 0.0)
            return
        step = value - course.last
        if abs(step) < 0.05:
            course.scatter += (step * step - course.scatter) * 0.02
        course.last, course.equal, course.different = value, 0, course.different + 1
        if known is not None and known.fault == "stuck":
            del self.distrusted[name]
            course.fast = course.course = value

    def _judge_factors(self, fresh: dict[str, float], for_s: float) -> None:
        names = [name for name in fresh if self._votes(name)]
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                self._judge_pair(one, other, for_s)

    def _votes(self, name: str) -> bool:
        known = self.distrusted.get(name)
        return known is None or known.fault == "drift"

    def _judge_pair(self, one: str, other: str, for_s: float) -> None:
        first, second = self.courses[one], self.courses[other]
        now = first.fast - second.fast
        factor = self.factors.get((one, other))
        if factor is None:
            self.factors[one, other] = now
            return
        age_s = min(first.age_s, second.age_s)
        apart = now - factor
        slow = max(1.0, (FAST_S / max(for_s, 1.0)) ** 0.5)
        sigma = ((first.scatter + second.scatter) / 2) ** 0.5 / slow
        moved = _moved_between(first, second)
        threshold = max(APART, SIGMAS * sigma) + moved if age_s > LEARNS_S else inf
        culprits = [name for name in (one, other) if name in self.distrusted]
        if culprits:
            if abs(apart) < BACK * threshold:
                for name in culprits:
                    del self.distrusted[name]
            return
        if abs(apart) > threshold:
            moves = {
                name: abs(self.courses[name].fast - self.courses[name].course)
                for name in (one, other)
            }
            culprit = max(moves, key=lambda name: moves[name])
            self.distrusted[culprit] = SensorFault(culprit, "drift", apart)
            return
        if moved < APART:
            part = for_s / min(FACTOR_S, max(age_s, 1e-3))
            self.factors[one, other] = factor + apart * min(1.0, part)


def seconds_between(first: tuple[int, int], then: tuple[int, int]) -> float:
    """Return how much later ``then`` is than ``first``, both TAI in s and fs."""
    return then[0] - first[0] + (then[1] - first[1]) / FS_PER_S


def _moved_between(one: SensorCourse, other: SensorCourse) -> float:
    """Return how far the stage may have moved between the last readings of two sensors, ln.

    It is what the later one has moved since its last reading before the earlier one's.
    """
    if one.at is None or other.at is None or one.at == other.at:
        return 0.0
    early, late = (one, other) if one.at < other.at else (other, one)
    before = [i for i, (at, _) in enumerate(late.trail) if early.at is not None and at <= early.at]
    values = [value for _, value in late.trail[before[-1] if before else 0 :]]
    return max(values) - min(values) if values else 0.0
