"""Tabulates the parameter store: one table for each owner, a column for each element."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from podium.control.calibration.catalogue import VALIDITY
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME, QUANTITIES, told
from podium.control.parameters.validity import Validities
from podium.control.web.picture import Picture


@dataclass(frozen=True, slots=True)
class Cell:
    """One parameter."""

    name: str
    text: str
    """Value with sigma and unit, as a person writes them."""
    value: str
    sigma: str
    tai_s: float
    """When it was measured."""
    complaint: str
    """Why it is no longer good; empty when it is."""
    routine: str
    run: str
    by_hand: str
    """Who set it, and why; empty when it was measured."""


@dataclass(frozen=True, slots=True)
class QuantityRow:
    """One quantity of all elements."""

    quantity: str
    title: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Quantities in rows, elements in columns."""

    elements: tuple[str, ...]
    rows: tuple[QuantityRow, ...]


@dataclass(frozen=True, slots=True)
class ParameterTable:
    """The parameters of one owner."""

    owner: str
    told: Block
    """What a bring-up is for, in the order in which it is shown."""
    worked_with: Block
    """What else the routines know."""
    stale: int
    """How many are no longer good."""


def tables(picture: Picture) -> tuple[ParameterTable, ...]:
    """Return all parameters."""
    validities = Validities(VALIDITY, dict(picture.facility.validity))
    tai_s = picture.tai_s()
    cells: dict[str, dict[str, dict[str, Cell]]] = {}
    for entry in picture.parameters.values():
        owner, _, rest = entry.name.partition(".")
        element, _, quantity = rest.rpartition(".")
        cell = _cell(entry, quantity, validities.complaint(entry, tai_s, None) or "")
        cells.setdefault(owner, {}).setdefault(quantity, {})[element] = cell
    return tuple(_table(owner, rows) for owner, rows in cells.items())


def _table(owner: str, rows: dict[str, dict[str, Cell]]) -> ParameterTable:
    def block(quantities: list[str]) -> Block:
        named = {element for quantity in quantities for element in rows[quantity]}
        elements = sorted(named, key=_counting)
        found = []
        for quantity in quantities:
            known = BY_NAME.get(quantity)
            cells = tuple(rows[quantity].get(element) for element in elements)
            found.append(QuantityRow(quantity, known.title if known is not None else "", cells))
        return Block(tuple(elements), tuple(found))

    main = [quantity.name for quantity in QUANTITIES if quantity.name in rows]
    others = sorted(set(rows) - set(main))
    stale = sum(bool(cell.complaint) for row in rows.values() for cell in row.values())
    return ParameterTable(owner, block(main), block(others), stale)


def _counting(name: str) -> list[str | int]:
    """Return a key that sorts q2 before q10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if n % 2 else part for n, part in enumerate(parts)]


def _cell(entry: ParameterEntry, quantity: str, complaint: str) -> Cell:
    known = BY_NAME.get(quantity)
    text = told(entry.value, entry.sigma, entry.unit, percent=known is not None and known.percent)
    value, _, sigma = text.partition(" ± ")
    by_hand = f"{entry.who}: {entry.why}" if entry.who else ""
    return Cell(
        entry.name,
        text,
        value,
        sigma,
        entry.tai_s,
        complaint,
        entry.routine,
        entry.run,
        by_hand,
    )


def history_rows(entries: Iterable[ParameterEntry]) -> tuple[Cell, ...]:
    """Return every value of one parameter, latest first."""
    rows = [_cell(entry, entry.name.rpartition(".")[2], "") for entry in entries]
    return tuple(reversed(rows))
