"""Tabulates the parameter store: one table for each owner, a column for each element."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from podium.control.calibration.catalogue import VALIDITY
from podium.control.calibration.links.link_routines import LINK_VALIDITY
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME, QUANTITIES, told
from podium.control.parameters.validity import Validities, told_age
from podium.control.web.picture import FacilityPicture


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
    in_force_s: float
    """From when it counted, TAI."""


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


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """Someone who has parameters: a node, a link, a fridge."""

    name: str
    count: int
    stale: int


def tables(picture: FacilityPicture) -> tuple[ParameterTable, ...]:
    """Return all parameters."""
    names = dict.fromkeys(owner_of(name) for name in picture.parameters)
    return tuple(found for name in names if (found := table(picture, name)) is not None)


def table(picture: FacilityPicture, owner: str) -> ParameterTable | None:
    """Return the parameters of one owner; None: it has none."""
    validities = _validities(picture)
    tai_s = picture.tai_s()
    cells: dict[str, dict[str, Cell]] = {}
    for entry in picture.parameters.values():
        if owner_of(entry.name) == owner:
            element, _, quantity = entry.name.partition(".")[2].rpartition(".")
            cell = _cell(entry, quantity, _complaint(entry, validities, tai_s))
            cells.setdefault(quantity, {})[element] = cell
    return _table(owner, cells) if cells else None


def owners(picture: FacilityPicture) -> tuple[OwnerRow, ...]:
    """Return who has parameters, how many, and how many of them are too old."""
    validities = _validities(picture)
    tai_s = picture.tai_s()
    counts: dict[str, list[int]] = {}
    for entry in picture.parameters.values():
        here = counts.setdefault(owner_of(entry.name), [0, 0])
        here[0] += 1
        here[1] += bool(_complaint(entry, validities, tai_s))
    return tuple(OwnerRow(name, count, stale) for name, (count, stale) in counts.items())


def _validities(picture: FacilityPicture) -> Validities:
    return Validities({**VALIDITY, **LINK_VALIDITY}, dict(picture.facility.validity))


def owner_of(name: str) -> str:
    """Return whose parameter it is."""
    return name.partition(".")[0]


def complaint_of(picture: FacilityPicture, entry: ParameterEntry) -> str:
    """Return for how long a parameter was good, where that is over; empty: it is good."""
    return _complaint(entry, _validities(picture), picture.tai_s())


def _complaint(entry: ParameterEntry, validities: Validities, tai_s: float | None) -> str:
    """Return for how long it was good, where that is over. Its age stands beside it and goes on."""
    if validities.complaint(entry, tai_s, None) is None:
        return ""
    return f"older than it is good for: valid for {told_age(validities.of(entry.name).lasts_s)}"


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
        entry.tai_s if entry.put_tai_s is None else entry.put_tai_s,
    )


def history_rows(entries: Iterable[ParameterEntry]) -> tuple[Cell, ...]:
    """Return every value of one parameter, latest first."""
    rows = [_cell(entry, entry.name.rpartition(".")[2], "") for entry in entries]
    return tuple(reversed(rows))
