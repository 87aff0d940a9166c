"""Computes how long a parameter is valid: as declared by routines or the facility file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from podium.control.facility.problems import suggest
from podium.control.parameters.entry import ParameterEntry

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Gives a quantity's validity after it is measured.

    ASSUMED, all that routines declare: what drifts within hours in a laboratory (frequencies of
    qubits, T1), within days (flux offsets, gains of warm electronics) and between cool-downs
    (chips). Jumps are not foreseen. The facility file and the command line lay others over these.
    """

    lasts_s: float
    """Older, it counts as unknown."""
    of_epoch: bool = False
    """It depends on phases or delays of the controllers: a re-lock of their clock ends it."""


@dataclass(frozen=True, slots=True)
class Validity:
    """Of one quantity."""

    lasts_s: float
    """Older, it counts as unknown."""
    measured_by: str
    """The routine that measures it anew."""
    of_epoch: bool = False
    """It depends on phases or delays of the controllers: a re-lock of their clock ends it."""


OTHERS = Validity(1 * DAY_S, "")
"""Of quantities that no routine gives."""


OF_ANOTHER = (
    *("pulsed_crosstalk_amplitude", "pulsed_crosstalk"),
    *("drive_crosstalk_phase", "drive_crosstalk_left", "drive_crosstalk"),
)
"""Quantities of an element that end with the name of another one: ``pulsed_crosstalk_q0``."""


NUMBERED = re.compile(r"^tls\d+_")
"""Quantities of two-level defects, of which a qubit may have several."""


@lru_cache(maxsize=4096)
def quantity_of(name: str) -> str:
    """Return the quantity of a parameter, without the name of another element behind it.

    Nor with the number of a defect: ``tls2_frequency`` is a ``tls_frequency``.
    """
    last = NUMBERED.sub("tls_", name.rpartition(".")[2])
    return next((one for one in OF_ANOTHER if last.startswith(f"{one}_")), last)


class NoQuantity(LookupError):
    """A validity is of a quantity that no routine measures; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Validities:
    """Lays the validities of a facility or a person over those that routines declare."""

    table: Mapping[str, Validity]
    """By quantity."""
    lasts_s: Mapping[str, float] = field(default_factory=dict)
    """By quantity (``f01``) or by full name (``node_a.q0.f01``), which goes first."""

    @classmethod
    def laid_over(
        cls,
        table: Mapping[str, Validity],
        of_facility: Mapping[str, float],
        over: Mapping[str, float],
    ) -> "Validities":
        """Return ``table`` with those of a facility file and a person's over them, s.

        Raises :class:`NoQuantity`.
        """
        for names, where in ((of_facility, "in the facility file's validity: "), (over, "")):
            for name in names:
                quantity = quantity_of(name)
                if quantity not in table:
                    raise NoQuantity(f"{where}no quantity {quantity!r}; {suggest(quantity, table)}")
        return cls(table, {**of_facility, **over})

    def of(self, name: str) -> Validity:
        """Return how long the parameter ``name`` is good for."""
        quantity = quantity_of(name)
        known = self.table.get(quantity, OTHERS)
        lasts_s = self.lasts_s.get(name, self.lasts_s.get(quantity))
        if lasts_s is None or lasts_s == known.lasts_s:
            return known
        return replace(known, lasts_s=lasts_s)

    def complaint(
        self, entry: ParameterEntry, now_tai_s: float | None, epoch: int | None
    ) -> str | None:
        """Return why ``entry`` is no longer good, or None when it is.

        ``None`` for the time or the epoch: not known, nothing is said of it. A clock that was set
        back makes entries that are later than now: they are judged by their distance alike.
        """
        validity = self.of(entry.name)
        if validity.of_epoch and epoch is not None and entry.epoch != epoch:
            return (
                f"{entry.name} is of epoch {entry.epoch} of the controllers' clock, which is "
                f"in epoch {epoch}: phases and delays have changed since"
            )
        if now_tai_s is None:
            return None
        age_s = now_tai_s - entry.tai_s
        if abs(age_s) <= validity.lasts_s:
            return None
        when = f"{told_age(age_s)} old" if age_s > 0 else f"from {told_age(-age_s)} in the future"
        return f"{entry.name} is {when}, and valid for {told_age(validity.lasts_s)}"


def told_age(seconds: float) -> str:
    """Return ``42 s``, ``17 min``, ``3.4 h`` or ``2.1 d``."""
    for unit, length, below in (("s", 1.0, 100.0), ("min", 60.0, 6000.0), ("h", HOUR_S, 2 * DAY_S)):
        if seconds < below:
            number = seconds / length
            return (
                f"{number:.1f}".removesuffix(".0") + f" {unit}"
                if unit == "h"
                else (f"{number:.0f} {unit}")
            )
    return f"{seconds / DAY_S:.1f}".removesuffix(".0") + " d"
