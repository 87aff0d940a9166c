"""Lists design values that a facility file leaves out, for ``podium check``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.control.facility.facility import Estimate, Facility


def assumed_values(facility: "Facility") -> dict[str, dict[str, dict[str, Any]]]:
    """Return them by qubit and quantity, as plain values in SI units.

    ``assumed``: ``value``, or of a number that is written alone, ``spread``.
    """
    found = {
        name: {
            quantity: {
                "value": one.value,
                "spread": one.spread,
                "unit": one.unit,
                "source": one.source,
                "assumed": "value" if one.by_default else "spread",
            }
            for quantity, one in qubit.design.items()
            if one.by_default or one.spread_by_default
        }
        for name, qubit in facility.qubits().items()
    }
    return {name: values for name, values in found.items() if values}


def assumed_lines(facility: "Facility") -> Iterator[str]:
    """Yield what to tell a person: a head, and a line for qubits of which the same is assumed."""
    same: dict[str, list[str]] = {}
    for name, qubit in facility.qubits().items():
        told = [
            _told(quantity, one)
            for quantity, one in qubit.design.items()
            if one.by_default or one.spread_by_default
        ]
        if told:
            same.setdefault(", ".join(told), []).append(name)
    if same:
        yield "assumed by default (what you know better goes under 'design'):"
    for words, names in same.items():
        yield f"  {', '.join(names)}: {words}"


def _told(quantity: str, one: "Estimate") -> str:
    from podium.firmware_interfaces.quantity import format_quantity

    def written(number: float) -> str:
        return f"{number:g}" if one.unit == "1" else format_quantity(number, one.unit)

    if one.by_default:
        return f"{quantity} {written(one.value)} ± {written(one.spread)}"
    return f"{quantity} as written ± {written(one.spread)}"
