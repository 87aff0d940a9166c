"""What the parts of a state may do: worked out once for each part, and looked up after that."""

from dataclasses import replace
from typing import Any

from tests.explorer import node_steps
from tests.explorer import office as offices
from tests.explorer.abstraction import later
from tests.explorer.agent_process import hear
from tests.explorer.decisions_of_agents import guards_of_node
from tests.explorer.decisions_of_coordinators import guards_of_office
from tests.explorer.hardware import relocked
from tests.explorer.invariants import (
    Broken,
    broken_by_node,
    broken_by_office,
    broken_by_silence,
)
from tests.explorer.jobs import Outside, wants
from tests.explorer.machines import submitted
from tests.explorer.node import DEAD, UP, Node, NodeStep, Turn
from tests.explorer.node_faults import faults
from tests.explorer.office import GONE, Office, OfficeStep
from tests.explorer.parts import Effect, Message, Parts, State
from tests.explorer.scenario import ONCE, STRANGE
from tests.explorer.strangers import strange_requests
from tests.explorer.words import words_of

AGAIN = "job is wanted again"


class Menus:
    """The steps of parts, with what invariants and guards had to say to them."""

    def __init__(self, parts: Parts, kinds: frozenset[str]) -> None:
        """``kinds``: of the faults that happen."""
        self.parts = parts
        self.guards: dict[str, int] = {}
        """How many different steps of a part each guard has decided."""
        self._kinds = kinds
        self._menus: dict[Any, Any] = {}
        self._heard: dict[tuple[int, int], Effect] = {}
        self._presences: dict[State, Any] = {}
        self._later: dict[Any, tuple[int, Broken]] = {}

    def counted(self, guards: list[str]) -> None:
        for guard in guards:
            self.guards[guard] = self.guards.get(guard, 0) + 1

    def _effect_of_node(self, step: NodeStep) -> Effect:
        self.counted(guards_of_node(step))
        number = self.parts.number
        says = tuple(number(Message("", one)) for one in step.said)
        return Effect(number(step.after), says, broken_by_node(step), words_of(step))

    def _effect_of_office(self, step: OfficeStep) -> Effect:
        self.counted(guards_of_office(step))
        number = self.parts.number
        says = tuple(number(Message(one.agent, one.request)) for one in step.says)
        outside = bool(step.keeps or step.tells or step.begun or step.after.process == GONE)
        broken = broken_by_office(step)
        return Effect(number(step.after), says, broken, words_of(step), step, outside)

    def presence(self, numbers: State) -> tuple[Any, ...]:
        """Return the lives of the agents that beat, their names, and the names of the dead."""
        found = self._presences.get(numbers)
        if found is None:
            there: list[Node] = [self.parts.values[one] for one in numbers]
            lives = tuple((one.name, one.life) for one in there if one.process == UP)
            dead = tuple(one.name for one in there if one.process == DEAD)
            found = self._presences[numbers] = lives, dict(lives), dead
        return found

    def of_node(self, number: int) -> Any:
        menu = self._menus.get(number)
        if menu is None:
            node: Node = self.parts.values[number]
            free = tuple((turn, self._effect_of_node(one)) for turn, one in node_steps.steps(node))
            bad = [
                (kind, ONCE.get(kind, 0), self._effect_of_node(one))
                for kind, one in faults(node)
                if kind in self._kinds
            ]
            if STRANGE in self._kinds:
                for what, request in strange_requests(node):
                    step = hear(node, request, stranger=True)
                    step = replace(step, what=f"({STRANGE}, {what}) {step.what}")
                    bad.append((STRANGE, 0, self._effect_of_node(step)))
            menu = self._menus[number] = (free, tuple(bad))
        return menu

    def of_office(self, number: int, lives: Any, up: Any, dead: tuple[str, ...]) -> Any:
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
                if kind in self._kinds
            )
            menu = self._menus[key] = (tuple(free), bad)
        return menu

    def of_people(self, office_number: int, outside_number: int) -> Any:
        key = office_number, outside_number
        menu = self._menus.get(key)
        if menu is None:
            office: Office = self.parts.values[office_number]
            outside: Outside = self.parts.values[outside_number]
            wanted, again = [], []
            if office.process == offices.UP:
                for what, event, after in wants(outside, office.side):
                    effect = self._effect_of_office(offices.told(office, event, what))
                    wanted.append((self.parts.number(after), effect))
                for job in outside.jobs if AGAIN in self._kinds else ():
                    if job.asked == office.side.session and not job.thanked:
                        event = submitted(job.ticket, job.agents, job.at_once)
                        step = offices.told(office, event, f"({AGAIN}) {job.ticket}")
                        again.append(self._effect_of_office(step))
            menu = self._menus[key] = tuple(wanted), tuple(again)
        return menu

    def hear(self, part: int, number: int, message: Message) -> Effect:
        effect = self._heard.get((part, number))
        if effect is None:
            value = self.parts.values[part]
            if message.to:
                effect = self._effect_of_node(hear(value, message.said))
            else:
                effect = self._effect_of_office(offices.hear(value, message.said))
            self._heard[part, number] = effect
        return effect

    def disk(self, number: int) -> Effect:
        key = "disk", number
        found: Effect | None = self._menus.get(key)
        if found is None:
            step = offices.kept(self.parts.values[number])
            found = self._menus[key] = self._effect_of_office(step)
        return found

    def relocked(self, number: int) -> int:
        key = "relocked", number
        found: int | None = self._menus.get(key)
        if found is None:
            after = relocked(self.parts.values[number], own=False)
            found = self._menus[key] = self.parts.number(after)
        return found

    def later(self, number: int, ahead: int, lives: Any) -> tuple[int, Broken]:
        key = number, ahead, lives
        found = self._later.get(key)
        if found is None:
            value = self.parts.values[number]
            broken: Broken = ()
            if isinstance(value, Node):
                after: Any = node_steps.at_later(value, ahead)
                step = NodeStep(f"{ahead} quanta pass", value, None, (), after)
                broken = broken_by_node(step)
                self.counted(guards_of_node(step))
            elif isinstance(value, Office):
                after = offices.at_later(value, ahead, dict(lives))
                broken = broken_by_silence(value, after)
            else:
                after = None if value is None else later(value, ahead)
            found = self._later[key] = self.parts.number(after), broken
        return found
