"""The facility file's timing plane: references of clocks, and the cables between them.

Control has its own, stricter reader (``podium check``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.firmware_interfaces.quantity import QuantityError, parse_quantity
from podium.sim_instruments.physics.clock_makes import (
    CONTROLLER,
    RUBIDIUM,
    SOURCE,
    WHITE_RABBIT,
    WHITE_RABBIT_LOW_JITTER,
    ClockMake,
)
from podium.sim_instruments.physics.spread import Spread

MAKES: Mapping[str, ClockMake] = {
    "qblox_cluster": CONTROLLER,
    "zurich": CONTROLLER,
    "wrtd_node": WHITE_RABBIT,
    "white_rabbit_switch": WHITE_RABBIT,
    "srs_fs725": RUBIDIUM,
    "rohde_schwarz_sgs100a": SOURCE,
}
"""Make of the clock in a box, by its model."""
LOW_JITTER_S = 5e-12
"""ASSUMED: a phase reference with less jitter is of White Rabbit nodes with low-jitter oscillators;
default ones have 13 ps."""
TRIGGER_INPUT = "trigger"
"""Connector of a controller that its trigger cable goes to."""


class TimingDesignError(ValueError):
    """The timing plane cannot be read; ``podium check`` says more."""


@dataclass(frozen=True, slots=True)
class TimingCable:
    """A cable from one connector to another."""

    source: tuple[str, str]
    """Instrument and connector."""
    sink: tuple[str, str]
    delay: Spread
    """What the laboratory knows of it, s."""
    label: str
    """What faults call it: ``cluster_a.trigger``, ``node_a.marker``, ``a_to_b.result``."""

    @property
    def name(self) -> str:
        """By its far end: ``cluster_a.trigger``."""
        return ".".join(self.sink)


@dataclass(frozen=True, slots=True)
class TimingDesign:
    """The timing plane, as designed."""

    references: Mapping[str, str] = field(default_factory=dict)
    """By instrument: the instrument that its clock is locked to."""
    triggers: tuple[TimingCable, ...] = ()
    markers: tuple[TimingCable, ...] = ()
    """To the time tagger, and those that carry results."""
    clocks: Mapping[str, ClockMake] = field(default_factory=dict)
    """By instrument, of those that have one of the world's."""
    elsewhere: frozenset[str] = frozenset()
    """Instruments that another process simulates; cables and clocks may come from there."""

    @property
    def cables(self) -> tuple[TimingCable, ...]:
        """All of them."""
        return (*self.triggers, *self.markers)


def timing_of(tree: Any) -> TimingDesign:
    """Return the timing plane in a facility file's content."""
    root = _mapping(tree, "the file")
    clocks = {
        name: _mapping(entry, f"clocks.{name}")
        for name, entry in _mapping(root.get("clocks"), "clocks").items()
    }
    references: dict[str, str] = {}
    for name, clock in clocks.items():
        if clock.get("reference") is not None:
            where = f"clocks.{name}"
            references[_source(clocks, name, where)] = _source(clocks, clock["reference"], where)
    timing = _mapping(root.get("timing"), "timing")
    triggers, markers, results = (
        _mapping(timing.get(key), key) for key in ("triggers", "markers", "result_lines")
    )
    models = {
        str(name): _mapping(entry, f"instruments.{name}").get("model")
        for name, entry in _mapping(root.get("instruments"), "instruments").items()
    }
    started = {str(name) for name in triggers}
    ticking = {_source(clocks, name, f"clocks.{name}") for name in clocks}
    makes = dict(MAKES)
    if _jitter_s(timing) < LOW_JITTER_S:
        makes |= {n: WHITE_RABBIT_LOW_JITTER for n, one in MAKES.items() if one is WHITE_RABBIT}
    return TimingDesign(
        references,
        tuple(
            _cable(entry, _sink(str(name), entry), f"timing.triggers.{name}", f"{name}.trigger")
            for name, entry in triggers.items()
        ),
        tuple(
            _cable(entry, None, f"timing.{section}.{name}", f"{name}.{kind}")
            for section, kind, cables in (
                ("markers", "marker", markers),
                ("result_lines", "result", results),
            )
            for name, entry in cables.items()
        ),
        {
            name: makes[str(model)]
            for name, model in models.items()
            if str(model) in makes and _is_the_worlds(name, makes[str(model)], started, ticking)
        },
    )


def _jitter_s(timing: Mapping[Any, Any]) -> float:
    """Return the jitter of the phase reference, s; without one no jitter is small enough."""
    given = _mapping(timing.get("phase_reference"), "timing.phase_reference").get("jitter")
    if given is None:
        return float("inf")
    try:
        return float(parse_quantity(str(given), unit="s"))
    except QuantityError as error:
        raise TimingDesignError(f"timing.phase_reference.jitter: {error}") from error


def _is_the_worlds(
    name: str, make: ClockMake, started: Collection[str], ticking: Collection[str]
) -> bool:
    """Tell whether a box has a clock of its own in the world.

    A controller counts ideal ticks unless the plane starts it; a microwave source follows the
    clock of the controller that it carries, unless it is the source of a clock domain.
    """
    if make is CONTROLLER:
        return name in started
    return make is not SOURCE or name in ticking


def _sink(name: str, given: Any) -> tuple[str, str]:
    """Return the trigger input of a controller that a cable goes to."""
    entry = given if isinstance(given, Mapping) else {}
    return _connector(entry["input"]) if "input" in entry else (name, TRIGGER_INPUT)


def _cable(given: Any, sink: tuple[str, str] | None, where: str, label: str) -> TimingCable:
    entry = _mapping(given, where)
    missing = [key for key in ("output", "delay") if key not in entry]
    if sink is None and "input" not in entry:
        missing.append("input")
    if missing:
        raise TimingDesignError(f"{where}: {missing[0]} is missing")
    return TimingCable(
        _connector(entry["output"]),
        _connector(entry["input"]) if sink is None else sink,
        _delay(entry["delay"], f"{where}.delay"),
        label,
    )


def _delay(given: Any, where: str) -> Spread:
    written = given if isinstance(given, Mapping) else {"value": given}
    try:
        value = parse_quantity(written.get("value", ""), unit="s")
        spread = parse_quantity(written.get("spread", "0 s"), unit="s")
    except QuantityError as error:
        raise TimingDesignError(f"{where}: {error}") from error
    return Spread(value, spread, "s", low=0.0)


def _source(clocks: Mapping[Any, Mapping[Any, Any]], name: Any, where: str) -> str:
    """Return the instrument that a clock domain takes its ticks from."""
    seen: list[Any] = []
    while name in clocks:
        if name in seen:
            raise TimingDesignError(f"{where}: {name} follows itself")
        seen.append(name)
        name = clocks[name].get("source")
    return str(name)


def _connector(given: Any) -> tuple[str, str]:
    instrument, _, connector = str(given).partition(".")
    return instrument, connector


def _mapping(given: Any, where: str) -> dict[Any, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TimingDesignError(f"{where}: a mapping is wanted, not {given!r}")
    return dict(given)
