"""Validity times as people give them on the command line: ``f01=6h``."""

from collections.abc import Iterable, Mapping

from podium.control.calibration.validity import VALIDITY, Validities
from podium.control.demo.moments import NoMoment, length_s
from podium.control.facility.problems import suggest


def laid_over(of_facility: Mapping[str, float], words: Iterable[str]) -> Validities:
    """Return the validities of a facility with those of ``words`` over them.

    Each word is ``QUANTITY=TIME`` or ``FULL.NAME=TIME``. Raises :class:`NoMoment`.
    """
    lasts_s = dict(of_facility)
    for name in lasts_s:
        _check(name, "in the facility file's validity: ")
    for word in words:
        name, equals, time = word.partition("=")
        if not equals or not name:
            raise NoMoment(f"{word!r} is no validity; write it like 'f01=6h'")
        _check(name, "")
        lasts_s[name] = length_s(time)
    return Validities(lasts_s)


def _check(name: str, where: str) -> None:
    quantity = name.rpartition(".")[2]
    if quantity not in VALIDITY:
        raise NoMoment(f"{where}no quantity {quantity!r}; {suggest(quantity, VALIDITY)}")
