"""Runs the interlocks and alarms that ship on a simulated fridge, as agents and supervisor do.

Nothing here decides: :data:`.interlock_rules.RULES` act, :func:`.fridge_rules` raise alarms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.agent.interlock_state import InterlockState, good_of, refusal
from podium.control.bus.cold import AlarmNews
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Fridge
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.facility.interlock_rules import RULES
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import alarm_states
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.alarm_rules import AlarmRule
from podium.control.supervision.alarm_states import AlarmsState, Instant
from podium.control.supervision.facility_alarms import fridge_rules
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER

URGENT = frozenset({"critical", "high"})
"""Priorities of alarms that somebody is called for."""
COLD_BELOW_K = 0.05


class FridgeInterlocks:
    """The interlocks of one fridge; one agent owns all of its parts."""

    def __init__(self, wiring: FridgeWiring) -> None:
        self._wiring = wiring
        self._states = tuple(InterlockState(wiring.fridge, rule) for rule in RULES)
        self._acting: set[str] = set()
        """Rules that have set something since they tripped."""
        self.actions: list[tuple[float, str]] = []
        """When a rule that tripped set something first, s, and which."""

    def step(self, view: FridgeView, now_s: float) -> dict[str, float]:
        """Return what to write now, by signal."""
        good = good_of(view)
        writes: dict[str, float] = {}
        for one in self._states:
            if not one.step(view, good, now_s):
                self._acting.discard(one.rule.name)
                continue
            for signal, value in one.rule.then:
                if signal not in self._wiring.parts:
                    continue
                if not one.due(signal, value, good.get(signal)):
                    continue
                if self.refusal(view, signal, value):
                    continue
                writes[signal] = value
                one.left.discard(signal)
                if one.rule.name not in self._acting:
                    self._acting.add(one.rule.name)
                    self.actions.append((now_s, f"{one.rule.name}: {one.tripped}"))
        return writes

    def refusal(self, view: FridgeView, signal: str, value: float) -> str:
        """Return why a part must not be set to a value now; empty: it may."""
        return refusal(self._states, signal, value, good_of(view))


@dataclass(slots=True)
class FridgeAlarms:
    """The alarms of one fridge."""

    fridge: str
    rules: tuple[AlarmRule, ...]
    state: AlarmsState = field(default_factory=AlarmsState)
    raised: list[tuple[float, str]] = field(default_factory=list)
    """When an urgent alarm was raised, s, and which."""
    standing: frozenset[str] = frozenset()

    @classmethod
    def of(cls, wiring: FridgeWiring, model: str) -> "FridgeAlarms":
        """Return the usual alarms of a fridge of a model."""
        (thermometer, *_) = wiring.readings[signals.temperature_of(MIXING_CHAMBER)]
        box, _, channel = thermometer.partition(".")
        told = (name for names in wiring.readings.values() for name in names)
        boxes = tuple(dict.fromkeys(name.partition(".")[0] for name in told))
        fridge = Fridge(wiring.fridge, ConnectorRef(box, channel), COLD_BELOW_K, model, boxes)
        rules = fridge_rules(fridge, wiring, dict.fromkeys(boxes, "fridge"))
        return cls(wiring.fridge, rules)

    def step(
        self,
        view: FridgeView,
        readings: Mapping[str, Latest],
        contradictions: Mapping[tuple[str, str], Found],
        now_s: float,
    ) -> tuple[AlarmNews, ...]:
        """Step all of them; return those that are not normal."""
        now = Instant(view.tai, now_s)
        self.state, news = alarm_states.step(
            self.state,
            self.rules,
            {self.fridge: view},
            readings,
            now,
            contradictions=contradictions,
        )
        standing = frozenset(one.name for one in news if one.active and one.priority in URGENT)
        self.raised += [(now_s, name) for name in sorted(standing - self.standing)]
        self.standing = standing
        return news
