"""Lists the quantities that a bring-up recovers, and writes numbers with a sigma."""

from dataclasses import dataclass
from math import floor, isfinite, log10

from podium.firmware_interfaces.quantity import UNITS, QuantityError, parse_quantity


@dataclass(frozen=True, slots=True)
class Quantity:
    """A parameter of a qubit that a bring-up must find."""

    name: str
    """The last word of the parameter's name, e.g. ``f01``."""
    title: str
    percent: bool = False
    """Dimensionless, and told in percent."""


QUANTITIES = (
    Quantity("f01", "qubit frequency"),
    Quantity("anharmonicity", "anharmonicity"),
    Quantity("t1", "T1"),
    Quantity("t2_ramsey", "T2, Ramsey"),
    Quantity("t2_echo", "T2, echo"),
    Quantity("readout_frequency", "readout frequency"),
    Quantity("chi", "dispersive shift χ"),
    Quantity("kappa", "resonator linewidth κ"),
    Quantity("sweet_spot", "sweet spot"),
    Quantity("assignment_fidelity", "assignment fidelity", percent=True),
    Quantity("thermal_population", "thermal population", percent=True),
)
"""In the order in which they are reported."""

AT_MOST_1 = frozenset({"assignment_fidelity", "shelved_fidelity"})
"""Fidelities, from which what was not the readout's is taken out: noise takes them above 1."""

BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}

PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
JOINT_DECIMALS = 4
"""With more decimals than these, sigma is written in a unit of its own."""


def told(value: float, sigma: float, unit: str, *, percent: bool = False) -> str:
    """Return ``6.02134 GHz ± 12 Hz`` or ``33.2 ± 1.4 µs``: sigma with two digits."""
    if percent:
        return f"{_joint(value * 100, sigma * 100)} %"
    if unit == "1":
        return _joint(value, sigma)
    power = _power(max(abs(value), sigma if isfinite(sigma) else 0.0))
    decimals = _decimals(sigma / 10**power)
    if decimals <= JOINT_DECIMALS:
        return f"{_joint(value / 10**power, sigma / 10**power)} {PREFIXES[power]}{unit}"
    return f"{value / 10**power:.{decimals}f} {PREFIXES[power]}{unit} ± {_two_digits(sigma, unit)}"


def alone(value: float, unit: str, *, like: float | None = None, percent: bool = False) -> str:
    """Return a value with a prefix, to four digits, or to the digits of a sigma ``like``."""
    if percent:
        value, unit = value * 100, "%"
        like = None if like is None else like * 100
    power = 0 if unit in ("1", "%") else _power(value)
    scaled = value / 10**power
    decimals = _decimals(scaled / 100 if like is None else like / 10**power)
    space = "" if unit in ("", "1") else f" {PREFIXES[power]}{unit}"
    return f"{scaled:.{decimals}f}{space}"


def parse_told(text: str, unit: str) -> tuple[float, float | None]:
    """Return value and sigma (None: none is given) of a text in ``unit``: what :func:`told` writes.

    ``33.2 ± 1.4 µs``, ``6.02134 GHz ± 12 Hz``, ``99.12 ± 0.07 %``, and each without its sigma;
    ``+-`` and ``+/-`` are as good as ``±``. Raises ``QuantityError``.
    """
    left, sign, right = _plus_minus(text)
    if not sign:
        return _parse_one(text, unit), None
    if not _suffix(left):
        left = f"{left} {_suffix(right)}".strip()
    return _parse_one(left, unit), _parse_one(right, unit)


def _plus_minus(text: str) -> tuple[str, str, str]:
    for sign in ("±", "+/-", "+-"):
        left, found, right = text.partition(sign)
        if found:
            return left.strip(), sign, right.strip()
    return text, "", ""


def _suffix(text: str) -> str:
    """Return what stands behind the number."""
    return text.strip().lstrip("+-.0123456789eE").strip()


def _parse_one(text: str, unit: str) -> float:
    """Return a quantity in ``unit``, with any prefix that is written here, also of a unit that
    a facility file does not know."""
    suffix = _suffix(text)
    for power, prefix in PREFIXES.items():
        if suffix and suffix == f"{prefix}{unit}" and unit != "1":
            number = parse_quantity(text.strip().removesuffix(suffix), "1")
            return number * 10.0**power if power else number
    if unit not in UNITS:
        raise QuantityError(f"{text!r} is not in {unit}; write it like '1.5 {unit}'")
    return parse_quantity(text, unit)


def prefixed(value: float, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which ``value`` is best written: 1e9 and ``GHz``."""
    power = 0 if unit in ("1", "%") else _power(value)
    return 10.0**power, unit if unit in ("1", "%") else f"{PREFIXES[power]}{unit}"


def _two_digits(value: float, unit: str) -> str:
    power = _power(value)
    return f"{value / 10**power:.{_decimals(value / 10**power)}f} {PREFIXES[power]}{unit}"


def _joint(value: float, sigma: float) -> str:
    decimals = _decimals(sigma)
    return f"{round(value, decimals) + 0.0:.{decimals}f} ± {sigma:.{decimals}f}"


def _power(value: float) -> int:
    """Return the power of ten, a multiple of three, whose prefix suits ``value``."""
    if value == 0 or not isfinite(value):
        return 0
    return max(-12, min(12, 3 * floor(log10(abs(value)) / 3 + 1e-9)))


def _decimals(sigma: float) -> int:
    """Return the decimals that show two digits of ``sigma``."""
    if sigma == 0 or not isfinite(sigma):
        return 3
    return max(0, min(15, 1 - floor(log10(abs(sigma)) + 1e-9)))
