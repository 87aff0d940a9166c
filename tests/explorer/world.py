"""All there is at one moment: nodes, coordinators, disk, messages; and what comes next.

A state is a flat tuple of small numbers. Each stands for a part (a node, a coordinator, what
outlives it, a message) that was met before, so that a step of a part is worked out once and looked
up after that, with what invariants and guards had to say to it.

Steps that nobody has to wait for take no time and come in any order. Time goes on once none is
left, to the next instant that matters to somebody. Whatever keeps a step under way while time goes
on is a fault, as are losses, repetitions, crashes.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.explorer import node_steps
from tests.explorer import office as offices
from tests.explorer.agent_process import born
from tests.explorer.invariants import Broken, broken_by_outside, journal_goes_on
from tests.explorer.jobs import Job, Outside, Wanted
from tests.explorer.machines import NEVER, NOW, quanta
from tests.explorer.menus import AGAIN, Menus
from tests.explorer.node import FROZEN, Node, Turn, said
from tests.explorer.office import GONE, Office, OfficeStep
from tests.explorer.parts import Effect, Message, Next, Parts, Places, State
from tests.explorer.representatives import Representatives
from tests.explorer.scenario import ONCE, REPLACED, Scenario, groups_of

from podium.control.runs.messages import CAPTURE, Fire


class World:
    """The steps of a scenario, with everything met so far."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.parts = Parts()
        self.kinds = frozenset(scenario.kinds)
        self.menus = Menus(self.parts, self.kinds)
        self._count = len(scenario.agents)
        self.places = Places(self._count)
        self._place = {name: place for place, name in enumerate(scenario.agents)}
        self._newest, self._before = self.places.newest, self.places.before
        self._outside, self._once = self.places.outside, self.places.once
        self._messages = self.places.messages
        self.representatives = Representatives(self.parts, groups_of(scenario), self.places)
        self.nothing = self.parts.number(None)
        self.first = self._first()

    def _first(self) -> State:
        """Return the beginning: the jobs are wanted."""
        scenario, number = self.scenario, self.parts.number
        sources = dict(scenario.sources)
        there = [born(one, 1, source=sources.get(one, CAPTURE)) for one in scenario.agents]
        office, outside = self._opened(Outside())
        state = (*map(number, there), number(office), self.nothing, number(outside), 0)
        return self.wanting(state if scenario.newborn else self.settled(state), scenario.jobs)

    @property
    def guards(self) -> dict[str, int]:
        """How many different steps of a part each guard has decided."""
        return self.menus.guards

    def wanting(self, state: State, jobs: tuple[Wanted, ...]) -> State:
        """Return a state in which more jobs are wanted."""
        outside: Outside = self.parts.values[state[self._outside]]
        outside = replace(outside, jobs=(*outside.jobs, *map(_unknown, jobs)))
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
            effect = self.menus.disk(state[self._newest])
            return self._of_office("", state, self._newest, effect)
        wants, _ = self.menus.of_people(state[self._newest], state[self._outside])
        for outside, effect in wants:
            asked = self._replaced(state, self._outside, outside)
            return self._of_office("", asked, self._newest, effect)
        return None

    def _free(self, state: State) -> Iterator[Next]:
        waited_for, still = False, []
        lives, up, dead = self.menus.presence(state[: self._count])
        for place in range(self._count):
            for turn, effect in self.menus.of_node(state[place])[0]:
                if turn is Turn.WHEN_STILL:
                    still.append((self._of_node, place, effect))
                else:
                    waited_for = waited_for or turn is Turn.NOW
                    yield self._of_node("", state, place, effect)
        for place in (self._newest, self._before):
            if state[place] == self.nothing:
                continue
            for turn, effect in self.menus.of_office(state[place], lives, up, dead)[0]:
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
        lives, up, dead = self.menus.presence(state[: self._count])
        for place in range(self._count):
            for kind, bits, effect in self.menus.of_node(state[place])[1]:
                if not once & bits:
                    yield self._of_node(kind, state, place, effect, bits)
        for place in (self._newest, self._before):
            if state[place] != self.nothing:
                for kind, bits, effect in self.menus.of_office(state[place], lives, up, dead)[1]:
                    if not once & bits:
                        yield self._of_office(kind, state, place, effect, bits)
        if state[self._newest] != self.nothing and not once & ONCE[AGAIN]:
            for effect in self.menus.of_people(state[self._newest], state[self._outside])[1]:
                yield self._of_office(AGAIN, state, self._newest, effect, ONCE[AGAIN])
        for number, message, messages, rest in self._arriving(state):
            yield from self._bad_ways(state, message, number, messages, rest)
        yield from self._at_large(state)

    # Steps of parts, worked out once

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
        return Next(kind, effect.what, self.representatives.of(new), effect.broken)

    def _of_office(
        self, kind: str, state: State, place: int, effect: Effect, bits: int = 0
    ) -> Next:
        new, broken = self._by_office(state, place, effect, bits)
        return Next(kind, effect.what, self.representatives.of(new), broken)

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
                    self.menus.counted(["journal taken"])
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
            return bool(values[state[self._place[message.to]]].process != FROZEN)
        there = [state[place] for place in (self._newest, self._before)]
        awake = [values[one].process for one in there if one != self.nothing]
        return not awake or offices.UP in awake

    def _delivered(
        self, kind: str, state: State, message: Message, number: int, rest: State
    ) -> Next:
        new = (*state[: self._messages], *rest)
        if message.to:
            place = self._place[message.to]
            return self._of_node(kind, new, place, self.menus.hear(new[place], number, message))
        broken: Broken = ()
        words = ""
        for place in (self._newest, self._before):
            if new[place] == self.nothing:
                continue
            if self.parts.values[new[place]].process == offices.UP:
                effect = self.menus.hear(new[place], number, message)
                new, found = self._by_office(new, place, effect)
                broken = (*broken, *found) if found else broken
                words = f"{words}; {effect.what}" if words else effect.what
        what = words or f"{said(message.said)} reaches nobody"
        return Next(kind, what, self.representatives.of(new), broken)

    def _bad_ways(
        self, state: State, message: Message, number: int, messages: State, rest: State
    ) -> Iterator[Next]:
        kinds, before = self.kinds, state[: self._messages]
        words = f"{said(message.said)} to {message.to or 'the coordinator'}"
        kind = "message is lost"
        if kind in kinds:
            yield Next(kind, f"({kind}) {words}", self.representatives.of((*before, *rest)), ())
        if message.slow:
            return
        slow = tuple(sorted((*rest, self.parts.number(replace(message, slow=True)))))
        kind = "message is slow"
        if kind in kinds:
            yield Next(kind, f"({kind}) {words}", self.representatives.of((*before, *slow)), ())
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
                yield Next(kind, f"({kind})", self.representatives.of(new), ())
            kind = REPLACED
            if kind in kinds and not once & ONCE[kind]:
                frozen = replace(self.parts.values[newest], process=offices.FROZEN)
                new = self._replaced(state, self._newest, self.nothing)
                new = self._replaced(new, self._before, self.parts.number(frozen))
                new = self._replaced(new, self._once, once | ONCE[kind])
                what = f"({kind}) it was frozen, not dead, and thaws later"
                yield Next(kind, what, self.representatives.of(new), ())
        kind = "clock re-locks"
        if kind in kinds and not once & ONCE[kind]:
            new = self._replaced(state, self._once, once | ONCE[kind])
            for place in range(self._count):
                new = self._replaced(new, place, self.menus.relocked(state[place]))
            yield Next(kind, f"({kind}) the one that all share", self.representatives.of(new), ())

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
            self.menus.counted(["goes on with the journal"])
        new = self._replaced(state, self._newest, self.parts.number(office))
        new = self._replaced(new, self._outside, self.parts.number(outside))
        what = f"a coordinator is started over the journal: session {office.side.session}"
        return Next("", what, self.representatives.of(new), journal_goes_on(office, before))

    # Time

    def _ahead(self, state: State) -> int:
        """Return in how many quanta something is due; ``NEVER``: nothing is."""
        values = self.parts.values
        there: list[Node] = [values[one] for one in state[: self._count]]
        fine = any(map(node_steps.is_slow, there))
        for number in state[self._messages :]:  # all of them are slow, or wait for a process
            fine = True
            request = values[number].said
            if isinstance(request, Fire) and request.t0 and NOW - request.t0 < quanta(2):
                return 1
        due = node_steps.due_finely if fine else node_steps.due
        ahead = min(map(due, there))
        _, up, _ = self.menus.presence(state[: self._count])
        for place in (self._newest, self._before):
            if state[place] != self.nothing:
                office: Office = values[state[place]]
                slow = fine or any(one.slow for one in office.errands)
                ahead = min(ahead, (offices.due_finely if slow else offices.due)(office, up))
        return ahead

    def _after(self, state: State, ahead: int) -> Next:
        lives, _, _ = self.menus.presence(state[: self._count])
        new = list(state)
        broken: Broken = ()
        for place in range(self._outside):
            of_office = place >= self._count
            new[place], found = self.menus.later(state[place], ahead, lives if of_office else None)
            broken = (*broken, *found) if found else broken
        new[self._messages :] = sorted(
            self.menus.later(one, ahead, None)[0] for one in state[self._messages :]
        )
        what = f"{ahead} quanta pass"
        return Next("", what, self.representatives.of(tuple(new)), broken, ahead)

    # One representative

    def outside(self, state: State) -> Outside:
        found: Outside = self.parts.values[state[self._outside]]
        return found


def _unknown(job: Wanted) -> Job:
    """Return a job that nobody was asked for yet."""
    return Job(job.ticket, job.agents, job.at_once)
