"""Lays validities that are named on the command line over those of a facility."""

from collections.abc import Iterable, Mapping

from podium.control.calibration.catalogue import VALIDITY
from podium.control.parameters.validity import NoQuantity, Validities
from podium.control.timebase.moments import NoMoment, length_s


def laid_over(of_facility: Mapping[str, float], words: Iterable[str]) -> Validities:
    """Return the validities of a facility with those of ``words`` over them.

    Each word is ``QUANTITY=TIME`` or ``FULL.NAME=TIME``. Raises :class:`NoMoment`.
    """
    over: dict[str, float] = {}
    for word in words:
        name, equals, time = word.partition("=")
        if not equals or not name:
            raise NoMoment(f"{word!r} is no validity; write it like 'f01=6h'")
        over[name] = length_s(time)
    try:
        return Validities.laid_over(VALIDITY, of_facility, over)
    except NoQuantity as error:
        raise NoMoment(str(error)) from error
