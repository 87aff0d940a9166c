"""When all is at rest, and states from which on nothing goes wrong; in words, too."""

from dataclasses import replace

from tests.explorer import node_steps
from tests.explorer import office as offices
from tests.explorer.node import Node, said
from tests.explorer.office import Office
from tests.explorer.parts import Message, State
from tests.explorer.world import World


def healed(world: World, state: State) -> State:
    """Return a state from which on nothing is slow or frozen, and no edge is lost."""
    new = list(state)
    for place, number in enumerate(state):
        if place == world.places.once:
            continue
        value = world.parts.values[number]
        match value:
            case Node():
                value = node_steps.healed(value)
            case Office():
                value = offices.healed(value)
            case Message():
                value = replace(value, slow=False)
        new[place] = world.parts.number(value)
    new[world.places.messages :] = sorted(new[world.places.messages :])
    return world.representatives.of(tuple(new))


def not_idle(world: World, state: State) -> str:
    """Say what is not at rest in a state; empty: all is, and can be used."""
    values = world.parts.values
    office: Office | None = values[state[world.places.newest]]
    if office is None:
        return "there is no coordinator"
    earlier: Office = values[state[world.places.before]] or office  # it has found nothing to say
    for one in (office, earlier):
        if one.side.runs or one.side.waiting or one.errands or one.disk:
            return f"the coordinator of session {one.side.session} still does something"
    if len(state) > world.places.messages:
        return "messages are still on their way"
    for job in values[state[world.places.outside]].jobs:
        if job.told is None:
            return f"{job.ticket} has not ended"
    for number in state[: world.places.nodes]:
        if problem := node_steps.not_idle(values[number]):
            return problem
        seen = office.side.attendant(values[number].name)
        if seen is None or seen.unwell:
            return f"{values[number].name} is still in quarantine"
    return ""


def in_words(world: World, state: State) -> str:
    """Say a state in a few lines."""
    values = world.parts.values
    lines = [node_steps.marked(values[one]) for one in state[: world.places.nodes]]
    for place in (world.places.newest, world.places.before):
        office: Office | None = values[state[place]]
        if office is not None:
            runs = [f"{one.run}: {one.stage.value}" for _, one in office.side.runs]
            on = ", ".join(runs) or "no run"
            lines.append(f"coordinator {office.side.session} ({office.process}): {on}")
    for number in state[world.places.messages :]:
        message = values[number]
        slow = "slowly " if message.slow else ""
        to = message.to or "the coordinator"
        lines.append(f"{slow}on its way to {to}: {said(message.said)}")
    return "\n".join(lines)
