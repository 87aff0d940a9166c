"""Steps the observer of each fridge whose model is known, and gathers what they see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podium.control.bus.cold import ColdFinding, Countdown
from podium.control.bus.log import event_log
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import wiring_of
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import ModelContradiction, Observer

log = event_log("supervisor")


@dataclass(frozen=True, slots=True)
class Sightings:
    """Holds the findings of the observers at one time."""

    findings: tuple[ColdFinding, ...] = ()
    countdowns: tuple[Countdown, ...] = ()
    contradictions: Mapping[tuple[str, str], Found] = field(default_factory=dict)
    """By fridge and signal, as alarms of kind model have them."""
    notes: tuple[str, ...] = ()


class Observers:
    """The observers of a facility."""

    def __init__(self, facility: Facility) -> None:
        self._observers: dict[str, Observer] = {}
        self._broken: dict[str, str] = {}
        self.grow(facility)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        for name, fridge in facility.fridges.items():
            parameters = MODELS.get(fridge.model or "")
            if name not in self._observers and parameters is not None:
                self._observers[name] = Observer(parameters, wiring_of(facility, fridge))

    def of(self, fridge: str) -> Observer | None:
        """Return the observer of a fridge; None: its model is not known."""
        return self._observers.get(fridge)

    def step(
        self, views: Mapping[str, FridgeView], playing: Mapping[str, Mapping[str, float]]
    ) -> Sightings:
        """Step all; ``playing``: by fridge and node, the part of the time that it plays.

        One whose model breaks down is reported in a note, and steps again with the next readings.
        """
        findings: list[ColdFinding] = []
        countdowns: list[Countdown] = []
        found: dict[tuple[str, str], Found] = {}
        for name, observer in self._observers.items():
            try:
                seen = observer.step(views[name], playing.get(name, {}))
            except Exception as error:  # a model that diverges must not take the alarms with it
                if name not in self._broken:
                    log.error("observer failed", fridge=name, error=repr(error))
                self._broken[name] = f"the observer of {name} fails: {error}"
                continue
            self._broken.pop(name, None)
            findings += seen.findings
            countdowns += seen.countdowns
            found |= contradictions_of(name, seen.contradictions)
        return Sightings(tuple(findings), tuple(countdowns), found, tuple(self._broken.values()))


def contradictions_of(
    fridge: str, contradictions: Iterable[ModelContradiction]
) -> dict[tuple[str, str], Found]:
    """Return contradictions as alarms have them, by fridge and signal."""
    return {
        (fridge, one.signal): Found(
            True, one.value, one.expected, one.unit, one.reading, f": {one.words}"
        )
        for one in contradictions
    }
