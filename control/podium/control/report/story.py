"""Collects what happened in a demo, as far as it got: the material of the report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import Measured
from podium.control.report.comparison import Comparison, Truth, compare_edges, complete

if TYPE_CHECKING:
    from podium.control.report.link_story import LinkStory
    from podium.control.report.multi_node.story import MultiNodeStory


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One routine, done."""

    outcome: Outcome
    wall_s: float
    lab_s: float
    """Laboratory time that it took, s."""
    node: str = ""
    """Whose it was, where nodes were brought up side by side; empty: one node's, or all nodes'."""
    begin_tai_s: float | None = None
    """When it began, by the laboratory's clock, s; None: what it measured was not stored."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not work."""

    routine: str
    element: str
    """E.g. ``node_a.q0``; empty when it was not about one element."""
    reason: str

    def __str__(self) -> str:
        where = f" {self.element}" if self.element else ""
        return f"{self.routine}{where}: {self.reason}"


@dataclass(slots=True, eq=False)
class Story:
    """Filled while the demo goes on."""

    facility: str
    seed: int | None
    """Of the hidden world; None for a facility that is not drawn from one."""
    qubits: tuple[str, ...]
    """By full name, ``node_a.q0``."""
    absent: dict[str, frozenset[str]] = field(default_factory=dict)
    """By qubit, listed quantities that it does not have, or that no line of it reaches."""
    left_out: frozenset[str] = frozenset()
    """Listed quantities that are not measured."""
    edges: tuple[str, ...] = ()
    """Whose gates are brought up, by full name, ``node_a.q0_q1``."""
    world: Mapping[str, Truth] = field(default_factory=dict)
    """What the hidden world tells of everything, by full name; empty without one."""
    device: str = ""
    """The chip, and where its numbers come from."""
    steps: list[Step] = field(default_factory=list)
    comparisons: tuple[Comparison, ...] = ()
    trouble: list[Failure] = field(default_factory=list)
    """What failed outside of the routines' fits."""
    fridge_k: dict[str, float] = field(default_factory=dict)
    """Readings before the start, by fridge."""
    notes: list[str] = field(default_factory=list)
    """What a person should know beside, before any routine has run."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    """Processor time of all processes of the demo, s."""
    lab_s: float = 0.0
    lab_causes: Mapping[str, float] = field(default_factory=dict)
    together: "MultiNodeStory | None" = None
    """What the nodes did together, where there are several that can."""
    link: "LinkStory | None" = None
    """The link that is calibrated, where one is."""

    def failures(self) -> list[Failure]:
        """Return everything that failed, in the order in which it happened."""
        failed = [
            Failure(step.outcome.routine, element, reason)
            for step in self.steps
            for element, reason in step.outcome.failures.items()
        ]
        return failed + ([] if self.together is None else self.together.failures()) + self.trouble

    def found(self) -> dict[str, bool]:
        """Tell for each qubit whether all of its listed parameters were found."""
        done = complete(self.comparisons)
        return {qubit: done.get(qubit, False) for qubit in self.qubits}

    def gates(self) -> tuple[Comparison, ...]:
        """Return what was found of edges, beside what the world tells of them."""
        return compare_edges(found_of_edges(self), self.world)

    def told_old(self) -> list[str]:
        """Return what was said of parameters that were too old, each once."""
        said = [note for step in self.steps for note in step.outcome.notes]
        return list(dict.fromkeys([*self.notes, *said]))

    @property
    def ratio(self) -> float:
        """Laboratory time over wall time."""
        return self.lab_s / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def good(self) -> bool:
        """Every qubit was found, and nothing failed."""
        if self.link is not None and self.link.state is None:
            return False
        return bool(self.qubits) and all(self.found().values()) and not self.failures()


def trouble(command: str, story: Story) -> str:
    """Return what failed outside of the routines' fits: one line that says it, then the rest."""
    lines = [line for one in story.trouble for line in one.reason.splitlines() if line]
    return "\n".join([f"{command}: {lines[0]}", *(f"    {line}" for line in lines[1:])])


def summary(story: Story) -> dict[str, object]:
    """Return the content of ``summary.json``."""
    return {
        "facility": story.facility,
        "seed": story.seed,
        "wall_s": round(story.wall_s, 3),
        "cpu_s": round(story.cpu_s, 3),
        "lab_s": round(story.lab_s, 3),
        "lab_s_by_routine": _by_routine(story),
        "lab_causes": dict(story.lab_causes),
        "qubits_found": story.found(),
        "parameters": {
            row.name: {"value": row.found.value, "sigma": row.found.sigma, "unit": row.found.unit}
            for row in story.comparisons
            if row.found is not None
        },
        "measured": {name: asdict(span) for name, span in measured_spans(story).items()},
        **_edges(story),
        **({} if story.link is None else {"link": story.link.summary()}),
        "failures": [
            {"routine": f.routine, "element": f.element, "reason": f.reason}
            for f in story.failures()
        ],
        "too_old": story.told_old(),
        **_together(story),
    }


def found_of_edges(story: Story) -> dict[str, dict[str, Measured]]:
    """Return what was found last of each edge, by its name and the quantity."""
    found: dict[str, dict[str, Measured]] = {}
    for step in story.steps:
        for name, one in step.outcome.measured.items():
            owner, _, quantity = name.rpartition(".")
            if owner in story.edges:
                found.setdefault(owner, {})[quantity] = one
    return found


def _edges(story: Story) -> dict[str, object]:
    """Return what was found of edges, by their names: ``{"edges": {"node_a.q0_q1": ...}}``."""
    known = found_of_edges(story)
    found = {
        edge: {
            name: {"value": one.value, "sigma": one.sigma, "unit": one.unit}
            for name, one in known.get(edge, {}).items()
        }
        for edge in story.edges
    }
    return {"edges": found} if found else {}


@dataclass(frozen=True, slots=True)
class MeasuredSpan:
    """Gives the time span of a parameter's measurement, and its routine."""

    routine: str
    from_tai_s: float
    to_tai_s: float


def measured_spans(story: Story) -> dict[str, MeasuredSpan]:
    """Return when each parameter was measured: of several times the last, whose value counts."""
    return {
        name: MeasuredSpan(step.outcome.routine, step.begin_tai_s, step.begin_tai_s + step.lab_s)
        for step in story.steps
        if step.begin_tai_s is not None
        for name in step.outcome.measured
    }


def _by_routine(story: Story) -> dict[str, float]:
    """Return the laboratory time that each routine took, of all its steps on all nodes."""
    spent: dict[str, float] = {}
    for step in story.steps:
        name = step.outcome.routine
        spent[name] = round(spent.get(name, 0.0) + step.lab_s, 3)
    return spent


def _together(story: Story) -> dict[str, object]:
    if story.together is None:
        return {}
    return {"nodes": _nodes(story), **story.together.summary()}


def _nodes(story: Story) -> dict[str, object]:
    """Return how the bring-up of each node went, while the others had theirs."""
    nodes: dict[str, object] = {}
    for node in dict.fromkeys(qubit.partition(".")[0] for qubit in story.qubits):
        own = [step for step in story.steps if step.node == node]
        found = [good for qubit, good in story.found().items() if qubit.startswith(f"{node}.")]
        nodes[node] = {
            "qubits": len(found),
            "found": sum(found),
            "steps": len(own),
            "wall_s": round(sum(step.wall_s for step in own), 3),
            "lab_s": round(sum(step.lab_s for step in own), 3),
        }
    return nodes


def fits(story: Story) -> list[dict[str, object]]:
    """Return what every routine's fits gave, in the order of the work, as ``fits.json`` has it."""
    return [
        {
            "routine": step.outcome.routine,
            "runs": step.outcome.runs,
            "lab_s": step.lab_s,
            "wall_s": step.wall_s,
            "measured": {
                name: {"value": one.value, "sigma": one.sigma, "unit": one.unit}
                for name, one in step.outcome.measured.items()
            },
            "failures": step.outcome.failures,
            "assumed": step.outcome.assumed,
            "notes": [
                {"element": panel.element, "text": panel.text, "failed": panel.failed}
                for panel in step.outcome.panels
            ],
        }
        for step in story.steps
    ]
