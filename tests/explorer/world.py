"""All there is at one moment: nodes, coordinators, disk, messages; and what comes next.

A state is a flat tuple of small numbers. Each stands for a part (a node, a coordinator, what
outlives it, a message) that was met before, so that a step of a part is worked out once and looked
up after that, with what invariants and guards had to say to it.

Steps that nobody has to wait for take no time and come in any order. Time goes on once none is
left, to the next instant that matters to somebody. Whatever keeps a step under way while time goes
on is a fault, as are losses, repetitions, crashes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tests.explorer import node as nodes
from tests.explorer import office as offices
from tests.explorer.invariants import (
    Broken,
    broken_by_node,
    broken_by_office,
    broken_by_outside,
    broken_by_silence,
    journal_goes_on,
)
from tests.explorer.machines import NEVER, NOW, exchanged, later, quanta, submitted
from tests.explorer.node import Node, NodeStep, Turn
from tests.explorer.office import GONE, Job, Office, OfficeStep, Outside
from tests.explorer.scenario import ONCE, REPLACED, STRANGE, Group, Scenario, groups_of
from tests.explorer.sometimes import guards_of_node, guards_of_office
from tests.explorer.strangers import strange_requests

from podium.control.runs.messages import CAPTURE, Fire
from podium.control.runs.run_values import Send

State = tuple[int, ...]
"""Numbers of: each node, the newest coordinator, the one before, what outlives them; faults that
happen once; then the messages, in order of their numbers."""

AGAIN = "job is wanted again"


class Next(NamedTuple):
    """A step from a state."""

    kind: str
    """Of the fault; empty: it is none."""
    what: str
    state: State
    broken: Broken
    """Invariants that do not hold, and what breaks them."""
    quanta: int = 0
    """So much time passes with it."""


class Effect(NamedTuple):
    """What a step of a part leads to, worked out once."""

    part: int
    says: tuple[int, ...]
    broken: Broken
    what: str
    step: Any = None
    outside: bool = False
    """Whether the step concerns what outlives a coordinator, or ends it."""


@dataclass(frozen=True, slots=True)
class Message:
    """On its way to an agent, or (empty) to the coordinators."""

    to: str
    said: Any
    slow: bool = False
    stranger: bool = False


class Parts:
    """Numbers values that are met, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found


class World:
    """The steps of a scenario, with everything met so far."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.parts = Parts()
        self.guards: dict[str, int] = {}
        """How many different steps of a part each guard has decided."""
        self.kinds = frozenset(scenario.kinds)
        self._count = len(scenario.agents)
        self._place = {name: place for place, name in enumerate(scenario.agents)}
        self._newest, self._before = self._count, self._count + 1
        self._outside, self._once = self._count + 2, self._count + 3
        self._messages = self._count + 4
        self._groups = groups_of(scenario)
        self._menus: dict[Any, Any] = {}
        self._heard: dict[tuple[int, int], Effect] = {}
        self._presences: dict[State, Any] = {}
        self._later: dict[Any, tuple[int, Broken]] = {}
        self._exchanged: dict[tuple[int, int], int] = {}
        self.nothing = self.parts.number(None)
        self.first = self._first()

    def _first(self) -> State:
        """Return the beginning: all are well and greeted, and the jobs are wanted."""
        scenario, number = self.scenario, self.parts.number
        sources = dict(scenario.sources)
        born = [nodes.born(one, 1, source=sources.get(one, CAPTURE)) for one in scenario.agents]
        office, outside = self._opened(Outside())
        state = (*map(number, born), number(office), self.nothing, number(outside), 0)
        return self.wanting(self.settled(state), scenario.jobs)

    def wanting(self, state: State, jobs: tuple[tuple[str, tuple[str, ...]], ...]) -> State:
        """Return a state in which more jobs are wanted."""
        outside: Outside = self.parts.values[state[self._outside]]
        outside = replace(outside, jobs=(*outside.jobs, *(Job(*job) for job in jobs)))
        return self._replaced(state, self._outside, self.parts.number(outside))

    def settled(self, state: State) -> State:
        """Return a state after all that happens without a fault, until nothing does."""
        while found := next(self.next(state), None):
            state = found.state
        return state

    # What comes next

    def next(self, state: State, faults: bool = False) -> Iterator[Next]:
        """Yield all that may happen next; with ``faults``, these too."""
        at_once = self._at_once(state)
        if at_once is None:
            yield from self._free(state)
        else:
            yield at_once
        if faults:
            yield from self._faults(state)

    def _at_once(self, state: State) -> Next | None:
        """Return what comes before all else, as its order with other steps changes nothing.

        The disk keeps what it can, and whoever wants jobs says so.
        """
        if state[self._newest] == self.nothing:
            return None
        office: Office = self.parts.values[state[self._newest]]
        if office.process != offices.UP:
            return None
        if office.disk and not office.disk_slow:
            effect = self._disk(state[self._newest])
            return self._of_office("", state, self._newest, effect)
        wants, _ = self._menu_of_people(state[self._newest], state[self._outside])
        for outside, effect in wants:
            asked = self._replaced(state, self._outside, outside)
            return self._of_office("", asked, self._newest, effect)
        return None

    def _disk(self, number: int) -> Effect:
        key = "disk", number
        found: Effect | None = self._menus.get(key)
        if found is None:
            step = offices.kept(self.parts.values[number])
            found = self._menus[key] = self._effect_of_office(step)
        return found

    def _free(self, state: State) -> Iterator[Next]:
        waited_for, still = False, []
        lives, up, dead = self._presence(state[: self._count])
        for place in range(self._count):
            for turn, effect in self._menu_of_node(state[place])[0]:
                if turn is Turn.WHEN_STILL:
                    still.append((self._of_node, place, effect))
                else:
                    waited_for = waited_for or turn is Turn.NOW
                    yield self._of_node("", state, place, effect)
        for place in (self._newest, self._before):
            if state[place] == self.nothing:
                continue
            for turn, effect in self._menu_of_office(state[place], lives, up, dead)[0]:
                if turn is Turn.WHEN_STILL:
                    still.append((self._of_office, place, effect))
                else:
                    waited_for = waited_for or turn is Turn.NOW
                    yield self._of_office("", state, place, effect)
        for number, message, _, rest in self._arriving(state):
            waited_for = waited_for or not message.slow
            yield self._delivered("", state, message, number, rest)
        if waited_for:
            return
        for make, place, effect in still:
            yield make("", state, place, effect)
        if state[self._newest] == self.nothing:
            yield self._restarted(state)
        if (ahead := self._ahead(state)) < NEVER:
            yield self._after(state, ahead)

    def _arriving(self, state: State) -> Iterator[tuple[int, Message, State, State]]:
        """Yield each message that can arrive, with all that are on their way, and the others."""
        messages = state[self._messages :]
        for place, number in enumerate(messages):
            if place and messages[place - 1] == number:
                continue
            message: Message = self.parts.values[number]
            if self._reaches(state, message):
                yield number, message, messages, (*messages[:place], *messages[place + 1 :])

    def _faults(self, state: State) -> Iterator[Next]:
        once = state[self._once]
        lives, up, dead = self._presence(state[: self._count])
        for place in range(self._count):
            for kind, bits, effect in self._menu_of_node(state[place])[1]:
                if not once & bits:
                    yield self._of_node(kind, state, place, effect, bits)
        for place in (self._newest, self._before):
            if state[place] != self.nothing:
                for kind, bits, effect in self._menu_of_office(state[place], lives, up, dead)[1]:
                    if not once & bits:
                        yield self._of_office(kind, state, place, effect, bits)
        if state[self._newest] != self.nothing and not once & ONCE[AGAIN]:
            for effect in self._menu_of_people(state[self._newest], state[self._outside])[1]:
                yield self._of_office(AGAIN, state, self._newest, effect, ONCE[AGAIN])
        for number, message, messages, rest in self._arriving(state):
            yield from self._bad_ways(state, message, number, messages, rest)
        yield from self._at_large(state)

    # Steps of parts, worked out once

    def _counted(self, guards: list[str]) -> None:
        for guard in guards:
            self.guards[guard] = self.guards.get(guard, 0) + 1

    def _effect_of_node(self, step: NodeStep) -> Effect:
        self._counted(guards_of_node(step))
        number = self.parts.number
        says = tuple(number(Message("", one)) for one in step.said)
        return Effect(number(step.after), says, broken_by_node(step), _in_words(step))

    def _effect_of_office(self, step: OfficeStep) -> Effect:
        self._counted(guards_of_office(step))
        number = self.parts.number
        says = tuple(number(Message(one.agent, one.request)) for one in step.says)
        outside = bool(step.keeps or step.tells or step.begun or step.after.process == GONE)
        broken = broken_by_office(step)
        return Effect(number(step.after), says, broken, _in_words(step), step, outside)

    def _presence(self, numbers: State) -> tuple[Any, ...]:
        """Return the lives of the agents that beat, their names, and the names of the dead."""
        found = self._presences.get(numbers)
        if found is None:
            there: list[Node] = [self.parts.values[one] for one in numbers]
            lives = tuple((one.name, one.life) for one in there if one.process == nodes.UP)
            dead = tuple(one.name for one in there if one.process == nodes.DEAD)
            found = self._presences[numbers] = lives, dict(lives), dead
        return found

    def _menu_of_node(self, number: int) -> Any:
        menu = self._menus.get(number)
        if menu is None:
            node: Node = self.parts.values[number]
            free = tuple((turn, self._effect_of_node(one)) for turn, one in nodes.steps(node))
            bad = [
                (kind, ONCE.get(kind, 0), self._effect_of_node(one))
                for kind, one in nodes.faults(node)
                if kind in self.kinds
            ]
            if STRANGE in self.kinds:
                for what, request in strange_requests(node):
                    step = nodes.hear(node, request, stranger=True)
                    step = replace(step, what=f"({STRANGE}, {what}) {step.what}")
                    bad.append((STRANGE, 0, self._effect_of_node(step)))
            menu = self._menus[number] = (free, tuple(bad))
        return menu

    def _menu_of_office(self, number: int, lives: Any, up: Any, dead: tuple[str, ...]) -> Any:
        key = number, lives, dead
        menu = self._menus.get(key)
        if menu is None:
            office: Office = self.parts.values[number]
            free = [(turn, self._effect_of_office(one)) for turn, one in offices.steps(office, up)]
            for name in dead:
                if (gone := offices.gone(office, name)) is not None:
                    free.append((Turn.WHEN_STILL, self._effect_of_office(gone)))
            bad = tuple(
                (kind, ONCE.get(kind, 0), self._effect_of_office(one))
                for kind, one in offices.faults(office)
                if kind in self.kinds
            )
            menu = self._menus[key] = (tuple(free), bad)
        return menu

    def _menu_of_people(self, office_number: int, outside_number: int) -> Any:
        key = office_number, outside_number
        menu = self._menus.get(key)
        if menu is None:
            office: Office = self.parts.values[office_number]
            outside: Outside = self.parts.values[outside_number]
            wants, again = [], []
            if office.process == offices.UP:
                for what, event, after in offices.wants(outside, office.side):
                    effect = self._effect_of_office(offices.told(office, event, what))
                    wants.append((self.parts.number(after), effect))
                for job in outside.jobs if AGAIN in self.kinds else ():
                    if job.asked == office.side.session and not job.thanked:
                        event = submitted(job.ticket, job.agents)
                        step = offices.told(office, event, f"({AGAIN}) {job.ticket}")
                        again.append(self._effect_of_office(step))
            menu = self._menus[key] = tuple(wants), tuple(again)
        return menu

    # What a step of a part makes of the whole

    def _replaced(self, state: State, place: int, number: int) -> State:
        return (*state[:place], number, *state[place + 1 :])

    def _of_node(self, kind: str, state: State, place: int, effect: Effect, bits: int = 0) -> Next:
        messages = state[self._messages :]
        if effect.says:
            messages = self._with(messages, effect.says)
        new = (
            *state[:place],
            effect.part,
            *state[place + 1 : self._once],
            state[self._once] | bits,
            *messages,
        )
        return Next(kind, effect.what, self._canonical(new), effect.broken)

    def _of_office(
        self, kind: str, state: State, place: int, effect: Effect, bits: int = 0
    ) -> Next:
        new, broken = self._by_office(state, place, effect, bits)
        return Next(kind, effect.what, self._canonical(new), broken)

    def _by_office(
        self, state: State, place: int, effect: Effect, bits: int = 0
    ) -> tuple[State, Broken]:
        broken, part = effect.broken, effect.part
        outside_number = state[self._outside]
        if effect.outside:
            step: OfficeStep = effect.step
            outside: Outside = self.parts.values[outside_number]
            there: list[Node] = [self.parts.values[one] for one in state[: self._count]]
            played = {one.name: one.hardware for one in there}
            broken = (*broken, *broken_by_outside(step, outside, played))
            for entry in step.keeps:
                kept = outside.keep(entry, step.before.side.session)
                if kept is None:  # another has taken the journal: this process ends
                    self._counted(["journal taken"])
                    part = self.nothing
                outside = kept or outside
            for told in step.tells:
                outside = outside.tell(told)
            outside_number = self.parts.number(outside)
            if step.after.process == GONE:
                part = self.nothing
        messages = state[self._messages :]
        if effect.says:
            messages = self._with(messages, effect.says)
        once = state[self._once] | bits
        new = [*state[: self._outside], outside_number, once, *messages]
        new[place] = part
        return tuple(new), broken

    # The network

    def _with(self, messages: State, more: tuple[int, ...]) -> State:
        room = max(0, self.scenario.in_flight - len(messages))
        return tuple(sorted((*messages, *more[:room])))

    def _reaches(self, state: State, message: Message) -> bool:
        """Return whether a message arrives now, be it at a dead process; otherwise it waits."""
        values = self.parts.values
        if message.to:
            return bool(values[state[self._place[message.to]]].process != nodes.FROZEN)
        there = [state[place] for place in (self._newest, self._before)]
        awake = [values[one].process for one in there if one != self.nothing]
        return not awake or offices.UP in awake

    def _delivered(
        self, kind: str, state: State, message: Message, number: int, rest: State
    ) -> Next:
        new = (*state[: self._messages], *rest)
        if message.to:
            place = self._place[message.to]
            return self._of_node(kind, new, place, self._hear(new[place], number, message))
        broken: Broken = ()
        words = ""
        for place in (self._newest, self._before):
            if new[place] == self.nothing:
                continue
            if self.parts.values[new[place]].process == offices.UP:
                effect = self._hear(new[place], number, message)
                new, found = self._by_office(new, place, effect)
                broken = (*broken, *found) if found else broken
                words = f"{words}; {effect.what}" if words else effect.what
        what = words or f"{nodes.said(message.said)} reaches nobody"
        return Next(kind, what, self._canonical(new), broken)

    def _hear(self, part: int, number: int, message: Message) -> Effect:
        effect = self._heard.get((part, number))
        if effect is None:
            value = self.parts.values[part]
            if message.to:
                effect = self._effect_of_node(nodes.hear(value, message.said))
            else:
                effect = self._effect_of_office(offices.hear(value, message.said))
            self._heard[part, number] = effect
        return effect

    def _bad_ways(
        self, state: State, message: Message, number: int, messages: State, rest: State
    ) -> Iterator[Next]:
        kinds, before = self.kinds, state[: self._messages]
        said = f"{nodes.said(message.said)} to {message.to or 'the coordinator'}"
        kind = "message is lost"
        if kind in kinds:
            yield Next(kind, f"({kind}) {said}", self._canonical((*before, *rest)), ())
        if message.slow:
            return
        slow = tuple(sorted((*rest, self.parts.number(replace(message, slow=True)))))
        kind = "message is slow"
        if kind in kinds:
            yield Next(kind, f"({kind}) {said}", self._canonical((*before, *slow)), ())
        kind = "message is repeated"
        if kind in kinds and len(messages) < self.scenario.in_flight:
            once = self._delivered(kind, state, message, number, slow)
            yield once._replace(what=f"({kind}: its copy stays under way) {once.what}")

    # What goes wrong with the whole

    def _at_large(self, state: State) -> Iterator[Next]:
        once, kinds = state[self._once], self.kinds
        newest = state[self._newest]
        if newest != self.nothing and self.parts.values[newest].process == offices.UP:
            kind = "coordinator crashes"
            if kind in kinds and not once & ONCE[kind]:
                new = self._replaced(state, self._newest, self.nothing)
                new = self._replaced(new, self._once, once | ONCE[kind])
                yield Next(kind, f"({kind})", self._canonical(new), ())
            kind = REPLACED
            if kind in kinds and not once & ONCE[kind]:
                frozen = replace(self.parts.values[newest], process=offices.FROZEN)
                new = self._replaced(state, self._newest, self.nothing)
                new = self._replaced(new, self._before, self.parts.number(frozen))
                new = self._replaced(new, self._once, once | ONCE[kind])
                what = f"({kind}) it was frozen, not dead, and thaws later"
                yield Next(kind, what, self._canonical(new), ())
        kind = "clock re-locks"
        if kind in kinds and not once & ONCE[kind]:
            new = self._replaced(state, self._once, once | ONCE[kind])
            for place in range(self._count):
                new = self._replaced(new, place, self._relocked(state[place]))
            yield Next(kind, f"({kind}) the one that all share", self._canonical(new), ())

    def _relocked(self, number: int) -> int:
        key = "relocked", number
        found: int | None = self._menus.get(key)
        if found is None:
            after = nodes.relocked(self.parts.values[number], own=False)
            found = self._menus[key] = self.parts.number(after)
        return found

    def _opened(self, outside: Outside) -> tuple[Office, Outside]:
        office, first = offices.opened(outside.entries())
        for entry in first:
            outside = outside.keep(entry, office.side.session) or outside
        return office, outside

    def _restarted(self, state: State) -> Next:
        """Return the state with a coordinator where there is none."""
        before: Outside = self.parts.values[state[self._outside]]
        office, outside = self._opened(before)
        if any(job.kept and job.ended is None for job in before.jobs):
            self._counted(["goes on with the journal"])
        new = self._replaced(state, self._newest, self.parts.number(office))
        new = self._replaced(new, self._outside, self.parts.number(outside))
        what = f"a coordinator is started over the journal: session {office.side.session}"
        return Next("", what, self._canonical(new), journal_goes_on(office, before))

    # Time

    def _ahead(self, state: State) -> int:
        """Return in how many quanta something is due; ``NEVER``: nothing is."""
        values = self.parts.values
        there: list[Node] = [values[one] for one in state[: self._count]]
        fine = any(map(nodes.is_slow, there))
        for number in state[self._messages :]:  # all of them are slow, or wait for a process
            fine = True
            said = values[number].said
            if isinstance(said, Fire) and NOW - said.t0 < quanta(2):
                return 1
        ahead = min(nodes.due_finely(one) if fine else nodes.due(one) for one in there)
        _, up, _ = self._presence(state[: self._count])
        for place in (self._newest, self._before):
            if state[place] != self.nothing:
                ahead = min(ahead, offices.due(values[state[place]], up))
        return ahead

    def _after(self, state: State, ahead: int) -> Next:
        lives, _, _ = self._presence(state[: self._count])
        new = list(state)
        broken: Broken = ()
        for place in range(self._outside):
            of_office = place >= self._count
            new[place], found = self._part_later(state[place], ahead, lives if of_office else None)
            broken = (*broken, *found) if found else broken
        new[self._messages :] = sorted(
            self._part_later(one, ahead, None)[0] for one in state[self._messages :]
        )
        what = f"{ahead} quanta pass"
        return Next("", what, self._canonical(tuple(new)), broken, ahead)

    def _part_later(self, number: int, ahead: int, lives: Any) -> tuple[int, Broken]:
        key = number, ahead, lives
        found = self._later.get(key)
        if found is None:
            value = self.parts.values[number]
            broken: Broken = ()
            if isinstance(value, Node):
                after: Any = nodes.at_later(value, ahead)
                step = NodeStep(f"{ahead} quanta pass", value, None, (), after)
                broken = broken_by_node(step)
                self._counted(guards_of_node(step))
            elif isinstance(value, Office):
                after = offices.at_later(value, ahead, dict(lives))
                broken = broken_by_silence(value, after)
            else:
                after = None if value is None else later(value, ahead)
            found = self._later[key] = self.parts.number(after), broken
        return found

    # One representative

    def _canonical(self, state: State) -> State:
        best = state
        for group in self._groups:
            first = state[group.first]
            known = self._exchanged.get((first, group.number))
            if known is None:
                known = self._exchange(first, group)
            if known <= best[0]:
                new = self._as_exchanged(state, group)
                if new < best:
                    best = new
        return best

    def _as_exchanged(self, state: State, group: Group) -> State:
        known, number = self._exchanged, group.number
        parts = []
        for one in state:
            found = known.get((one, number))
            parts.append(self._exchange(one, group) if found is None else found)
        new = list(state)
        for place, goes in enumerate(group.places):
            new[goes] = parts[place]
        new[self._newest : self._once] = parts[self._newest : self._once]
        if len(state) > self._messages:
            new[self._messages :] = sorted(parts[self._messages :])
        return tuple(new)

    def _exchange(self, number: int, group: Group) -> int:
        value = exchanged(self.parts.values[number], group.exchange)
        found = self._exchanged[number, group.number] = self.parts.number(value)
        return found

    # After the faults

    def healed(self, state: State) -> State:
        """Return a state from which on nothing is slow or frozen, and no edge is lost."""
        new = list(state)
        for place, number in enumerate(state):
            if place == self._once:
                continue
            value = self.parts.values[number]
            match value:
                case Node():
                    value = nodes.healed(value)
                case Office():
                    value = offices.healed(value)
                case Message():
                    value = replace(value, slow=False)
            new[place] = self.parts.number(value)
        new[self._messages :] = sorted(new[self._messages :])
        return self._canonical(tuple(new))

    def not_idle(self, state: State) -> str:
        """Say what is not at rest in a state; empty: all is, and can be used."""
        values = self.parts.values
        office: Office | None = values[state[self._newest]]
        if office is None:
            return "there is no coordinator"
        earlier: Office = values[state[self._before]] or office  # it has found nothing to say
        for one in (office, earlier):
            if one.side.runs or one.side.waiting or one.errands or one.disk:
                return f"the coordinator of session {one.side.session} still does something"
        if len(state) > self._messages:
            return "messages are still on their way"
        for job in values[state[self._outside]].jobs:
            if job.told is None:
                return f"{job.ticket} has not ended"
        for number in state[: self._count]:
            if problem := nodes.not_idle(values[number]):
                return problem
            seen = office.side.attendant(values[number].name)
            if seen is None or seen.unwell:
                return f"{values[number].name} is still in quarantine"
        return ""

    def outside(self, state: State) -> Outside:
        found: Outside = self.parts.values[state[self._outside]]
        return found

    # For people

    def said(self, state: State) -> str:
        """Say a state in a few lines."""
        values = self.parts.values
        lines = [nodes.marked(values[one]) for one in state[: self._count]]
        for place in (self._newest, self._before):
            office: Office | None = values[state[place]]
            if office is not None:
                runs = [f"{one.run}: {one.stage.value}" for _, one in office.side.runs]
                on = ", ".join(runs) or "no run"
                lines.append(f"coordinator {office.side.session} ({office.process}): {on}")
        for number in state[self._messages :]:
            message = values[number]
            slow = "slowly " if message.slow else ""
            to = message.to or "the coordinator"
            lines.append(f"{slow}on its way to {to}: {nodes.said(message.said)}")
        return "\n".join(lines)


def _in_words(step: NodeStep | OfficeStep) -> str:
    """Say a step and what it has led to."""
    does = []
    for action in step.actions:
        match action:
            case Send(agent, request):
                does.append(f"says {nodes.said(request)} to {agent}")
            case _:
                inner = getattr(action, "answer", None) or getattr(action, "entry", None)
                inner = inner or getattr(action, "state", None)
                name = type(action).__name__
                does.append(nodes.said(action) if inner is None else f"{name} {nodes.said(inner)}")
                action = inner
        reason = getattr(action, "reason", "") or getattr(action, "ended", "")
        if reason:
            does[-1] += f" ({reason})"
    return f"{step.what}: {'; '.join(does)}" if does else step.what
