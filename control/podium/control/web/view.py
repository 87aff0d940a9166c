"""Shows the picture in rows and words, for the page and for whoever asks for JSON."""

import time
from dataclasses import dataclass

from podium.control.bus.findings import Finding
from podium.control.bus.messages import InstrumentStatus
from podium.control.bus.news import RunNews
from podium.control.bus.queue import QueueEntry
from podium.control.facility.facility import Facility, Node
from podium.control.supervision.reading_owners import supervised
from podium.control.web import cold_view
from podium.control.web.picture import FacilityPicture
from podium.control.web.run_view import RunCard, cards, doing_of_nodes

MARKS = ("good", "busy", "unknown", "warn", "bad")
"""How something is, from well to ill. The page has a sign, a colour and a word for each."""
LATELY_S = 3.0
"""Between the runs of a routine there are fits: so long nobody calls it idle."""
STATES = {"connected": "good", "connecting": "warn", "released": "warn", "lost": "bad"}


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """One instrument."""

    name: str
    model: str
    state: str
    mark: str
    reason: str
    """Why it is not connected; empty when it is."""
    identity: str
    owner: str
    heard_s: float = 0.0
    """When it answered last, Unix time; 0: never, or not known."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent."""

    name: str
    doing: str
    mark: str


@dataclass(frozen=True, slots=True)
class FridgeRow:
    """The fridge that a node is in."""

    name: str
    kelvin: float | None
    cold_below_k: float
    problem: str
    mark: str


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node."""

    name: str
    kind: str
    chip: str
    qubits: tuple[str, ...]
    instruments: tuple[str, ...]
    fridge: FridgeRow | None
    doing: str
    mark: str


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that somebody has to look at."""

    id: str
    mark: str
    text: str
    page: str = ""
    """Where something can be done about it; empty: here."""


@dataclass(frozen=True, slots=True)
class Headline:
    """Sums up the state of everything in one line."""

    facility: str
    mark: str
    word: str
    complaints: tuple[str, ...]
    findings: tuple[Finding, ...]
    """What is wrong with files on the disk, until somebody has looked."""
    runs_done: int
    runs_failed: int
    starts_lost: int
    """Starts that came too late: nothing was played, and who asked may have made them again."""
    tai_s: float | None
    """The facility's time."""
    cold: bool = False
    """Whether there is a cold side that is supervised."""
    alarms: int | None = None
    """Alarms of the cold side that call somebody; None: nothing is heard of its supervisor."""


@dataclass(frozen=True, slots=True)
class Now:
    """Shows what runs now."""

    cards: tuple[RunCard, ...]
    """All that is on, each with its stop."""
    run: RunNews | None
    """The latest that was."""
    lately: bool
    """It ended a moment ago: more of the kind is likely to come."""
    agents: tuple[AgentRow, ...]
    nodes: tuple[str, ...]
    """Those on which the latest run played."""


def needs(picture: FacilityPicture) -> tuple[Need, ...]:
    """Return what somebody has to look at; findings are shown beside it."""
    found: list[Need] = []
    if not picture.coordinator:
        text = "the coordinator is gone: nothing can be run"
        found.append(Need("need-coordinator", "bad", text))
    for agent in agents(picture):
        if agent.mark == "bad":
            text = f"agent {agent.name} is {agent.doing}"
            found.append(Need(f"need-agent-{agent.name}", "bad", text))
    for one in instruments(picture):
        if one.mark in ("warn", "bad"):
            text = f"{one.name} is {one.state}"
            found.append(Need(f"need-{one.name}", one.mark, text, "/room"))
    for name in picture.facility.fridges:
        row = fridge(picture, name)
        if row.mark in ("warn", "bad"):
            said = row.problem if row.kelvin is not None else "its temperature cannot be read"
            found.append(Need(f"need-{name}", row.mark, f"{name}: {said}", "/cold"))
    cold = cold_view.headline(picture.cold)
    if cold.active and not cold.old:
        text = f"cold side: {cold.word.lower()}"
        found.append(Need("need-cold", cold.mark, text, "/cold"))
    elif cold.old and picture.cold.news is not None:
        text = "nothing is heard of the supervisor of the cold side"
        found.append(Need("need-cold", "warn", text, "/cold"))
    return tuple(found)


def headline(picture: FacilityPicture) -> Headline:
    """Return how everything is."""
    wanted = needs(picture)
    cold = cold_view.headline(picture.cold)
    marks = [one.mark for one in wanted] + ["bad"] * len(picture.findings)
    mark, count = worst(*marks), len(marks)
    word = "Facility ready" if not count else f"{count} thing{'s' * (count > 1)} to look at"
    if not picture.agents and picture.coordinator:
        mark, word = "unknown", "Nobody has been heard of yet"
    return Headline(
        picture.facility.name,
        mark,
        word,
        tuple(one.text for one in wanted),
        picture.findings,
        picture.done,
        picture.failed,
        picture.lost,
        picture.tai_s(),
        supervised(picture.facility),
        None if cold.old else cold.active,
    )


def worst(*marks: str) -> str:
    """Return the worst of ``marks``; ``good`` without any."""
    return max(marks, key=MARKS.index, default="good")


def agents(picture: FacilityPicture) -> tuple[AgentRow, ...]:
    """Return all agents that were ever heard of."""
    rows = []
    for name, agent in sorted(picture.agents.items()):
        condition = agent.condition()
        doing = condition or (agent.status.doing if agent.status is not None else "starting")
        mark = "bad" if condition else "good" if doing == "idle" else "busy"
        rows.append(AgentRow(name, doing, mark))
    return tuple(rows)


def instruments(picture: FacilityPicture) -> tuple[InstrumentRow, ...]:
    """Return the instruments of the facility file, in its order."""
    owned: dict[str, tuple[str, InstrumentStatus]] = {}
    for name, agent in picture.agents.items():
        for one in agent.status.instruments if agent.status is not None else ():
            owned[one.name] = (name, one)
    rows = []
    for name, entry in picture.facility.instruments.items():
        if name not in owned:
            row = InstrumentRow(name, entry.model, "unknown", "unknown", "no agent owns it", "", "")
        else:
            owner, one = owned[name]
            condition = picture.agents[owner].condition()
            if condition:
                why = f"agent {owner} is {condition}; it was {one.state} before"
                row = InstrumentRow(
                    name, one.model, "unknown", "unknown", why, one.identity, owner, one.heard_s
                )
            else:
                mark = STATES.get(one.state, "unknown")
                why = "" if one.state == "connected" else one.last_error
                row = InstrumentRow(
                    name, one.model, one.state, mark, why, one.identity, owner, one.heard_s
                )
        rows.append(row)
    return tuple(rows)


def fridge(picture: FacilityPicture, name: str) -> FridgeRow:
    """Return how a fridge is, as far as its thermometer says."""
    limit_k = picture.facility.fridges[name].cold_below_k
    latest = picture.thermometer(name)
    if latest is None:
        return FridgeRow(name, None, limit_k, "not read yet", "unknown")
    if latest.good is None:
        why = latest.problem or latest.quality.replace("_", " ")
        return FridgeRow(name, None, limit_k, why, "warn")
    if latest.good < limit_k:
        return FridgeRow(name, latest.good, limit_k, "", "good")
    said = f"{latest.good * 1e3:.4g} mK: not cold (below {limit_k * 1e3:.4g} mK)"
    return FridgeRow(name, latest.good, limit_k, said, "bad")


def queue(picture: FacilityPicture) -> tuple[QueueEntry, ...]:
    """Return the work that waits for its turn, the next first."""
    if picture.queue is None or not picture.coordinator:
        return ()
    return picture.queue.waiting


def nodes(picture: FacilityPicture) -> tuple[NodeRow, ...]:
    """Return the nodes of the facility file, in its order."""
    marks = {one.name: one for one in instruments(picture)}
    at_work = doing_of_nodes(picture)
    latest = next(reversed(picture.runs.values()), None)
    if latest is not None and latest.state != "on" and ended_lately(latest):
        for name in nodes_of(picture.facility, latest):
            at_work.setdefault(name, latest.program)
    rows = []
    for node in picture.facility.nodes.values():
        boxes = instruments_of(picture.facility, node)
        inside = fridge(picture, node.fridge) if node.fridge else None
        ill = [name for name in boxes if marks[name].mark != "good"]
        doing = at_work.get(node.name, "idle")
        if ill:
            doing = f"waits for {', '.join(ill)}"
        mark = worst(
            *(marks[name].mark for name in boxes), *([inside.mark] if inside is not None else [])
        )
        if mark == "good" and node.name in at_work:
            mark = "busy"
        chip = node.chip.device if node.chip is not None else ""
        rows.append(
            NodeRow(node.name, node.kind, chip, tuple(node.qubits), boxes, inside, doing, mark)
        )
    return tuple(rows)


def instruments_of(facility: Facility, node: Node) -> tuple[str, ...]:
    """Return the instruments that a node's lines are wired to."""
    found: dict[str, None] = {}
    for port, wiring in facility.wiring.items():
        if port.partition(".")[0] == node.name:
            for part in ("output", "input", "source", "modulator"):
                place = getattr(wiring, part, None)
                if place is not None:
                    found[place.instrument] = None
    return tuple(name for name in facility.instruments if name in found)


def nodes_of(facility: Facility, run: RunNews) -> tuple[str, ...]:
    """Return the nodes on whose ports a run plays."""
    return tuple(name for name in facility.nodes if name in run.nodes)


def now(picture: FacilityPicture) -> Now:
    """Return what runs, and what ran last."""
    on = cards(picture)
    over = [run for run in picture.runs.values() if run.state != "on"]
    run = over[-1] if over else None
    names = () if run is None else nodes_of(picture.facility, run)
    return Now(on, run, not on and ended_lately(run), agents(picture), names)


def ended_lately(run: RunNews | None) -> bool:
    """Tell whether a run ended a moment ago."""
    return run is not None and time.time() - run.at_s - run.took_s < LATELY_S


def runs(picture: FacilityPicture) -> tuple[RunNews, ...]:
    """Return the runs that are known, latest first."""
    return tuple(reversed(picture.runs.values()))
