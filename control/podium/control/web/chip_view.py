"""Shows chips as graphs: qubits, edges with their gates, fidelities, ages and error budgets."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, pi, sin

from podium.control.calibration.edge_budget import EdgeBudget, edge_budget
from podium.control.calibration.routines.error_budget import PARTS
from podium.control.facility.facility import Edge, Node
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import alone, told
from podium.control.web.parameter_view import complaint_of
from podium.control.web.picture import FacilityPicture

APART = 120.0
"""Between neighbours in a drawing, in its units."""
MARGIN = 46.0
KINDS = (*(name.removesuffix("_error") for name in PARTS), "the rest")
"""What a budget's bar has colours for, in their order."""
GATES = {"cz": "CZ", "iswap": "iSWAP", "cnot": "CNOT"}
CALIBRATED = {
    "cz": "gate_amplitude",
    "coupler cz": "phase_first",
    "carrier cz": "phase_first",
    "plasmon cz": "phase_first",
    "iswap": "swap_phase_first",
    "carrier iswap": "swap_phase_first",
    "cnot": "cross_amplitude",
}
"""A quantity that an edge has once its gate is calibrated, by how that is played."""
FIDELITIES = (
    ("gate_error", "fidelity", True),
    ("budget_error", "by its parts", True),
    ("average_fidelity", "by tomography", False),
)
"""The first that is known is shown: quantity, words, and whether it is an error."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: what it is, its value, its age, and whether it is still good."""

    name: str
    """Full name of the parameter."""
    title: str
    text: str
    tai_s: float
    complaint: str
    """Why it is no longer good; empty when it is."""


@dataclass(frozen=True, slots=True)
class BudgetShare:
    """One part of an error budget, as a piece of a bar."""

    kind: int
    """Counts parts: how it is coloured."""
    title: str
    text: str
    left: float
    """Where the piece begins, 0 to 100."""
    width: float


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One edge of a chip."""

    name: str
    ends: tuple[str, str]
    gate: str
    mark: str
    fidelity: Figure | None
    state: str
    """In place of a fidelity: how far its calibration has come."""
    figures: tuple[Figure, ...]
    budget: tuple[BudgetShare, ...]
    missing: tuple[str, ...]
    """Parameters without which a part of the budget cannot be told."""
    run: str
    """Whose data gave the fidelity; empty: none is known."""


@dataclass(frozen=True, slots=True)
class QubitPlace:
    """A qubit in the drawing of its chip."""

    name: str
    x: float
    y: float
    t1: str


@dataclass(frozen=True, slots=True)
class EdgePlace:
    """An edge in the drawing of its chip."""

    name: str
    mark: str
    x1: float
    y1: float
    x2: float
    y2: float
    text: str


@dataclass(frozen=True, slots=True)
class ChipDrawing:
    """The graph of one node's chip."""

    node: str
    width: float
    height: float
    qubits: tuple[QubitPlace, ...]
    edges: tuple[EdgePlace, ...]
    words: str
    """Says what the drawing shows."""


def figure(
    picture: FacilityPicture, name: str, title: str, *, percent: bool = False, less: bool = False
) -> Figure | None:
    """Return a parameter; None: it is not known. ``less``: what it leaves of 1."""
    entry = picture.parameters.get(name)
    if entry is None:
        return None
    value = 1 - entry.value if less else entry.value
    text = told(value, entry.sigma, entry.unit, percent=percent)
    return Figure(name, title, text, entry.tai_s, complaint_of(picture, entry))


def edges(picture: FacilityPicture) -> tuple[EdgeRow, ...]:
    """Return all edges, in the order of the facility file."""
    return tuple(edge_row(picture, one) for one in picture.facility.edges().values())


def edge_row(picture: FacilityPicture, edge: Edge) -> EdgeRow:
    """Return an edge with all that is known of its gate."""
    name = edge.name
    tried = (
        figure(picture, f"{name}.{quantity}", title, percent=True, less=less)
        for quantity, title, less in FIDELITIES
    )
    fidelity = next((one for one in tried if one is not None), None)
    found = (
        figure(picture, f"{name}.clifford_error", "Clifford error", percent=True),
        figure(picture, f"{name}.cycle_error", "error of a cycle", percent=True),
        figure(picture, f"{name}.bell_fidelity", "Bell state", percent=True),
        figure(picture, f"{name}.gate_duration", "duration"),
        figure(picture, f"{name}.carrier_duration", "duration"),
    )
    wanted = f"{name}.{CALIBRATED[edge.played]}"
    state = "" if wanted in picture.parameters else "not calibrated"
    if fidelity is None and not state:
        state = "not benchmarked"
    mark = "unknown" if fidelity is None else "warn" if fidelity.complaint else "good"
    budget = edge_budget(edge, picture.parameters)
    entry = None if fidelity is None else picture.parameters[fidelity.name]
    return EdgeRow(
        name,
        edge.ends,
        GATES[edge.gate],
        mark,
        fidelity,
        state,
        tuple(one for one in found if one is not None),
        _shares(budget),
        budget.missing if budget.parts else (),
        "" if entry is None else entry.run,
    )


def _shares(budget: EdgeBudget) -> tuple[BudgetShare, ...]:
    """Return the pieces of a budget's bar; what is below zero is written and has no width."""
    whole = sum(max(0.0, one.error.value) for one in budget.parts)
    found, left = [], 0.0
    for one in budget.parts:
        width = 100 * max(0.0, one.error.value) / whole if whole > 0 else 0.0
        text = told(one.error.value, one.error.sigma, "1", percent=True)
        found.append(
            BudgetShare(KINDS.index(one.name), one.name, text, round(left, 1), round(width, 1))
        )
        left += width
    return tuple(found)


def drawings(picture: FacilityPicture) -> tuple[ChipDrawing, ...]:
    """Return the graph of every node that has edges."""
    nodes = picture.facility.nodes.values()
    return tuple(_drawing(picture, node) for node in nodes if node.edges)


def _drawing(picture: FacilityPicture, node: Node) -> ChipDrawing:
    width, height, at = places(tuple(node.qubits), (one.ends for one in node.edges.values()))
    rows = [edge_row(picture, one) for one in node.edges.values()]
    drawn = tuple(
        EdgePlace(row.name, row.mark, *at[row.ends[0]], *at[row.ends[1]], _short(picture, row))
        for row in rows
    )
    qubits = tuple(
        QubitPlace(name, *at[name], _t1(picture.parameters.get(f"{node.name}.{name}.t1")))
        for name in node.qubits
    )
    words = "; ".join(
        f"{' to '.join(row.ends)}, {one.text}" for row, one in zip(rows, drawn, strict=True)
    )
    return ChipDrawing(node.name, width, height, qubits, drawn, f"chip of {node.name}: {words}")


def _short(picture: FacilityPicture, row: EdgeRow) -> str:
    if row.fidelity is None:
        return f"{row.gate} ?"
    old = " !" if row.mark == "warn" else ""
    return f"{row.gate} {100 * (1 - picture.parameters[row.fidelity.name].value):.2f} %{old}"


def _t1(entry: ParameterEntry | None) -> str:
    return "" if entry is None else alone(entry.value, "s", like=entry.sigma or None)


def places(
    qubits: tuple[str, ...], ends: Iterable[tuple[str, str]]
) -> tuple[float, float, dict[str, tuple[float, float]]]:
    """Return width and height of a drawing and where each qubit is: on a line, or on a circle.

    The facility file tells no places: qubits that are coupled in their order alone are a line.
    """
    number = {name: n for n, name in enumerate(qubits)}
    in_order = all(abs(number[one] - number[other]) == 1 for one, other in ends)
    if in_order and len(qubits) <= 8:
        width = APART * (len(qubits) - 1) + 2 * MARGIN
        return width, 2 * MARGIN, {q: (MARGIN + APART * n, MARGIN) for q, n in number.items()}
    radius = max(APART, APART * len(qubits) / (2 * pi))
    side = 2 * (radius + MARGIN)
    turns = {q: 2 * pi * n / len(qubits) for q, n in number.items()}
    return (
        round(side, 1),
        round(side, 1),
        {
            q: (round(side / 2 + radius * sin(turn), 1), round(side / 2 - radius * cos(turn), 1))
            for q, turn in turns.items()
        },
    )
