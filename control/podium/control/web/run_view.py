"""Shows what runs: a card for each run, and for each procedure of several runs."""

import re
import time
from dataclasses import asdict, dataclass, replace

from podium.control.bus.messages import RunId
from podium.control.bus.news import RunNews
from podium.control.bus.procedures import ProcedureNews
from podium.control.web.picture import FacilityPicture

ENOUGH_STEPS = 3
"""From so many steps on that are done, the time that is left is guessed from them."""
ENOUGH_SHARE = 0.05
"""From such a share of a run on, likewise."""
NAMED_RUN = re.compile(r"\brun (\d+)-(\d+)")
"""How an agent names the run in what it does."""


@dataclass(frozen=True, slots=True)
class RunCard:
    """One thing that is on and can be stopped: a procedure, or a run that is part of none."""

    id: str
    """By which it is stopped."""
    title: str
    nodes: tuple[str, ...]
    doing: str
    step: int
    """From 1; 0: not in steps, or not begun."""
    steps: int
    """0: not in steps."""
    state: str
    share: float
    """How much is done, 0 to 1, as far as is known."""
    left_s: float | None
    """Estimated, or guessed from what is done; None: nothing can be said yet."""
    at_s: float
    """When it began, Unix time."""
    by: str
    run: RunNews | None
    """The run that is on; between two runs of a procedure None."""
    procedure: bool
    left_sigma_s: float = 0.0
    """Standard deviation of what is left; 0: not known."""


def plain(run: RunNews) -> dict[str, object]:
    """Return the news of a run in values that JSON has, its id as text."""
    return {**asdict(run), "run": str(run.run)}


def cards(picture: FacilityPicture) -> tuple[RunCard, ...]:
    """Return what is on, in the order in which it began."""
    now_s = time.time()
    on = picture.runs_on()
    procedures = picture.procedures_on()
    named = {one.said.procedure for one in procedures}
    found = []
    for one in procedures:
        mine = [run for run in on if run.procedure == one.said.procedure]
        found.append(_of_procedure(one, mine[-1] if mine else None, now_s))
    found += [_of_run(run, now_s) for run in on if run.procedure not in named]
    told = picture.progress
    found = [
        replace(one, left_s=told[one.id].left_s, left_sigma_s=told[one.id].left_sigma_s)
        if one.id in told and told[one.id].left_s is not None
        else one
        for one in found
    ]
    return tuple(sorted(found, key=lambda card: card.at_s))


def _of_procedure(news: ProcedureNews, run: RunNews | None, now_s: float) -> RunCard:
    said = news.said
    done = max(0, said.step - 1)
    left_s = None
    if ENOUGH_STEPS <= done < said.steps:
        each_s = (news.heard_s - news.at_s) / done
        left_s = max(0.0, each_s * (said.steps - done) - (now_s - news.heard_s))
    return RunCard(
        said.procedure,
        said.title,
        said.nodes,
        said.doing.replace("_", " "),
        said.step,
        said.steps,
        news.state,
        done / said.steps if said.steps else 0.0,
        left_s,
        news.at_s,
        said.by,
        run,
        True,
    )


def _of_run(run: RunNews, now_s: float) -> RunCard:
    left_s = None
    if run.share >= ENOUGH_SHARE:
        left_s = (now_s - run.at_s) * (1 - run.share) / run.share
    return RunCard(
        str(run.run),
        run.program,
        run.nodes,
        run.program,
        0,
        0,
        run.state,
        run.share,
        left_s,
        run.at_s,
        run.by,
        run,
        False,
    )


def doing_of_nodes(picture: FacilityPicture) -> dict[str, str]:
    """Return what the nodes do that do something, by their names.

    It comes from the agents that own their instruments; the coordinator says which program that
    is. A node between two runs of a procedure works on that.
    """
    found: dict[str, str] = {}
    for card in cards(picture):
        step = f", step {card.step} of {card.steps}" if card.step else ""
        for node in card.nodes:
            found[node] = f"{card.title}: {card.doing}{step}" if card.procedure else card.title
    for agent in picture.agents.values():
        if agent.status is None or agent.condition() or agent.status.doing == "idle":
            continue
        owned = {one.name for one in agent.status.instruments}
        for node in _nodes_at_work(picture, agent.status.doing, owned):
            found.setdefault(node, agent.status.doing)
    return found


def _nodes_at_work(picture: FacilityPicture, doing: str, owned: set[str]) -> tuple[str, ...]:
    """Return the nodes that an agent works on: those of the run it names, else all it serves."""
    if (match := NAMED_RUN.search(doing)) is not None:
        run = picture.runs.get(RunId(int(match[1]), int(match[2])))
        if run is not None and run.nodes:
            return run.nodes
    facility = picture.facility
    return tuple(
        dict.fromkeys(
            port.partition(".")[0]
            for port, wiring in facility.wiring.items()
            for part in ("output", "input", "source", "modulator")
            if (place := getattr(wiring, part, None)) is not None and place.instrument in owned
        )
    )
