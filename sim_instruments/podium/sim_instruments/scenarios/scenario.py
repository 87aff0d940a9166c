"""A scenario is a written incident: what goes wrong when, what masters it, and what costs points.

``incidents/*.yaml`` beside this module are the scenarios of the house. Times count from the begin
of the play, in world time (``10 min``); limits are quantities (``30 mK``, ``2.3 bar``) or plain
numbers.
States have the names of :func:`..servers.world_state.world_state`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from podium.firmware_interfaces.fridge_signals import INPUTS
from podium.firmware_interfaces.quantity import UNITS, QuantityError, parse_quantity
from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.servers.faults import FAULTS

FOLDER = Path(__file__).parent / "incidents"
NAME = r"[a-z][a-z0-9_]*"
LONGEST_S = 30 * 86400.0
"""ASSUMED: nobody plays a longer one."""


class ScenarioError(ValueError):
    """There is no such scenario, or its file says what cannot be. The message says what would."""


def _span(text: Any) -> float:
    return parse_quantity(text, unit="s")


def _limit(value: Any) -> float:
    """Return a plain number, or a quantity of any unit in SI."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    for unit in UNITS:
        try:
            return parse_quantity(value, unit=unit)
        except QuantityError:
            continue
    raise ValueError(f"{value!r} is no quantity, such as 30 mK or 2.3 bar, and no number")


Span = Annotated[float, BeforeValidator(_span), Field(ge=0.0, le=LONGEST_S)]
Limit = Annotated[float, BeforeValidator(_limit)]


class Part(BaseModel):
    """A part of a scenario's file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FaultAct(Part):
    """A fault is brought about, or put right, by hand."""

    at: Span
    """s from the begin of the play."""
    fault: str
    """A name of ``podium twin fault list``; ``repair``, ``plug`` and their like are, too."""
    on: str
    """Line, lines, instrument or fridge."""

    @field_validator("fault")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        return name

    @property
    def words(self) -> str:
        """Return it in words."""
        return f"{self.fault} {self.on}"


class PanelAct(Part):
    """An input of a fridge is written as at its panel."""

    at: Span
    on: str
    """A fridge."""
    input: str
    """A name of :data:`..fridge_signals.INPUTS`."""
    value: float
    """SI unit."""

    @field_validator("input")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in INPUTS:
            raise ValueError(f"no input {name!r}; there are {', '.join(INPUTS)}")
        return name

    @property
    def words(self) -> str:
        """Return it in words."""
        return f"{self.on}.{self.input} = {self.value:g}"


class LinesAct(Part):
    """Lines of text are sent to an instrument's socket, as its client sends them."""

    at: Span
    on: str
    """An instrument that is reached by a VISA socket."""
    send: tuple[str, ...] = Field(min_length=1)

    @property
    def words(self) -> str:
        """Return it in words."""
        return f"{self.on}: {'; '.join(self.send)}"


class CommandAct(Part):
    """``podium WORDS`` is run against the control processes."""

    at: Span
    podium: tuple[str, ...] = Field(min_length=1)

    @property
    def words(self) -> str:
        """Return it in words."""
        return f"podium {' '.join(self.podium)}"


def _kind(value: Any) -> str | None:
    """Return which word of an act says what kind it is."""
    words = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
    return next((word for word in ("fault", "input", "send", "podium") if word in words), None)


Act = Annotated[
    Annotated[FaultAct, Tag("fault")]
    | Annotated[PanelAct, Tag("input")]
    | Annotated[LinesAct, Tag("send")]
    | Annotated[CommandAct, Tag("podium")],
    Discriminator(
        _kind,
        custom_error_type="act",
        custom_error_message="an act has one of fault, input, send and podium",
    ),
]
"""One thing that is done at a time."""


class Limits(Part):
    """Bounds of a state: at least one of two."""

    state: str
    """A name of the world's state."""
    at_least: Limit | None = None
    at_most: Limit | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Limits":
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.state} has no limit: give at_least, at_most, or both")
        return self

    def beyond(self, value: float) -> float:
        """Return by how much a value is beyond its limits, 0 within."""
        low = 0.0 if self.at_least is None else self.at_least - value
        high = 0.0 if self.at_most is None else value - self.at_most
        return max(0.0, low, high)


class Condition(Limits):
    """A condition of mastery: limits, and when they have to be kept."""

    what: str
    """In words."""
    when: Literal["always", "reached", "at_end"]
    """At each look from ``since`` to ``until``, at one of them, or at the last of them."""
    since: Span = 0.0
    until: Span | None = None
    """None: the end of the play."""
    points: int = Field(ge=1, le=100)


class Safeguard(Limits):
    """Limits that hold at each look of the play: beyond them lies what must not happen."""

    what: str
    """In words."""
    points: int = Field(ge=1, le=100)
    """Lost by who breaks it; it is not mastered then, whatever else."""


class Cost(Limits):
    """A quantity that costs points: how far, or for how long, a state is beyond its limits."""

    what: str = Field(pattern=NAME)
    counts: Literal["most", "minutes"]
    """``most``: the farthest beyond, in the state's SI unit; ``minutes`` beyond."""
    per: Limit = Field(gt=0.0)
    """So much costs ``points``: a quantity, or minutes."""
    points: float = Field(gt=0.0)
    no_more_than: int = Field(ge=1, le=100)
    """Points that it costs at most."""


class Scenario(Part):
    """One written incident."""

    name: str = Field(pattern=NAME)
    title: str
    told: str
    """A person receives this before it begins."""
    facility: str
    """The example that it is written for: ``cold`` is ``examples/cold/facility.yaml``."""
    begins: str = Field(pattern=r"([01]\d|2[0-3]):[0-5]\d")
    """Time of day in the story."""
    lasts: Span
    look_every: Span = Field(default=60.0, ge=1.0)
    """How often the truth is looked at, s of world time."""
    faults: tuple[Act, ...] = Field(min_length=1)
    mastered: tuple[Condition, ...] = Field(min_length=1)
    """What earns the points, and within what time."""
    must_hold: tuple[Safeguard, ...] = ()
    costs: tuple[Cost, ...] = ()
    hints: tuple[str, ...] = ()
    needs_action: bool = True
    """Whether somebody who does nothing fails."""
    control: bool = False
    """Whether it is played against the control processes: ``podium up`` runs beside it."""
    rate: int = Field(default=30, ge=1)
    """Of world time in the wall's, where it goes by itself."""
    solution: tuple[Act, ...] = ()
    """What an operator does who masters it."""

    @model_validator(mode="after")
    def _within_its_time(self) -> "Scenario":
        for one in (*self.faults, *self.solution):
            if one.at > self.lasts:
                raise ValueError(f"{one.words} comes after the end of the play")
            if isinstance(one, CommandAct) and not self.control:
                raise ValueError(f"{one.words} wants `control: true`")
        if self.needs_action != bool(self.solution):
            raise ValueError("it has a solution if, and only if, it needs action")
        for condition in self.mastered:
            end = self.lasts if condition.until is None else condition.until
            if not condition.since <= end <= self.lasts:
                raise ValueError(f"{condition.what}: its time is not within the play")
        return self

    @property
    def of(self) -> int:
        """Return the points that can be had."""
        return sum(condition.points for condition in self.mastered)

    @property
    def states(self) -> frozenset[str]:
        """Return the names of the states that it looks at."""
        return frozenset(one.state for one in (*self.mastered, *self.must_hold, *self.costs))

    def time_of_day(self, elapsed_s: float) -> str:
        """Return the time of day in the story, ``HH:MM:SS``."""
        hours, minutes = map(int, self.begins.split(":"))
        seconds = round(elapsed_s) + 3600 * hours + 60 * minutes
        return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def read_scenario(file: Path) -> Scenario:
    """Read and check a scenario's file; raises :class:`ScenarioError`."""
    try:
        scenario = Scenario.model_validate(parse_yaml(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioError(f"{file.name}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{file.name}: {error}") from error
    if scenario.name != file.stem:
        raise ScenarioError(f"{file.name}: name: {scenario.name} is not the file's")
    return scenario


@cache
def scenarios() -> dict[str, Scenario]:
    """Return the scenarios of the house by name; raises :class:`ScenarioError`."""
    return {file.stem: read_scenario(file) for file in sorted(FOLDER.glob("*.yaml"))}


def scenario_named(name: str) -> Scenario:
    """Return a scenario of the house, or that of a file; raises :class:`ScenarioError`."""
    if name.endswith(".yaml"):
        return read_scenario(Path(name))
    found = scenarios()
    if name not in found:
        raise ScenarioError(f"no scenario {name!r}; there are {', '.join(found)}")
    return found[name]
