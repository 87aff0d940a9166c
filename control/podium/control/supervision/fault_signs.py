"""Names what has happened to a fridge by its signs: compressor, water, mains, turbo, trap, leak.

Each sign compares a reading with its own usual course, learned while nothing is wrong, so that
calibrations do not matter. A cause hides what follows from it: while the pulse tube stands, a
turbo that gas brakes is no fault of its own.
"""

from dataclasses import dataclass, field, replace
from math import exp, log

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.model_state import ModelInputs
from podium.control.supervision.view_inputs import plausible

LEARNED_S = 6 * 3600.0
SETTLES_S = 900.0
"""Before it, usual courses are not known."""
WARM_WATER_K = 6.0
"""Above its usual temperature."""
WATER_STANDS_K, WATER_STANDS_S = 3.0, 240.0
"""Coolant that is still so warm, so long after the compressor stopped, is not flowing."""
PLUG = 0.25
"""ln by which flow over condensing pressure falls."""
PLUG_S, LEAK_S, TURBO_S = 120.0, 60.0, 5.0
LEAK_COLD_K, LEAK_COLD_S = 8.0, 4 * 3600.0
"""So cold, so long, has the second stage to be before: else the can is not yet pumped."""
LEAK_FACTOR, LEAK_PA = 8.0, 2e-5
"""Pressure in the can in its usual one, and at least."""
LEAST_FLOW, LEAST_PA = 1e-6, 100.0
"""mol/s and Pa in the condensing line, below which nothing circulates."""
MUCH = 30.0
"""Times the least pressure of a leak: nobody waits then."""
GASSED_PA = 60.0
"""At turbo1's inlet: more than its own stop brings within seconds."""
TURBO_SLOW = 0.85
"""Of its usual speed."""
QUENCH_K, QUENCH_S = 1.25, 60.0
"""Factor by which the second stage warms within so long, though the pulse tube runs."""
BATTERY_FALLS = 0.998
AFTER_S = 3 * 3600.0
"""So long after the pulse tube stood, signs of gas and turbo are not read."""


@dataclass(frozen=True, slots=True)
class FaultSign:
    """A fault that signs tell of."""

    fault: str
    """As the fridge's reference names it: ``compressor_trip``, ``plug`` and so on."""
    value: float
    unit: str
    since_s: float
    words: str


@dataclass(slots=True)
class FaultSigns:
    """Usual values of readings, and the signs that hold with their beginnings."""

    usual: dict[str, float] = field(default_factory=dict)
    age_s: float = 0.0
    """Of usual operation."""
    since: dict[str, float] = field(default_factory=dict)
    """By sign: since when its condition holds, s."""
    active: dict[str, FaultSign] = field(default_factory=dict)
    stood_s: float = -1e9
    """When the pulse tube stood last."""
    warm_s: float = -1e9
    """When the second stage was warm last, with no gas in the can."""
    stopped_by_gas: bool = False
    """Whether turbo1 stands because of what was at its inlet."""
    second: tuple[tuple[float, float], ...] = ()
    """The second stage of the last minute: s, K."""

    def copy(self) -> "FaultSigns":
        """Return one that goes its own way."""
        return replace(
            self, usual=dict(self.usual), since=dict(self.since), active=dict(self.active)
        )

    def step(
        self, view: FridgeView, inputs: ModelInputs, now_s: float, for_s: float, second_k: float
    ) -> tuple[FaultSign, ...]:
        """Take a view, ``for_s`` after the last; return what has happened, causes only."""
        standing = inputs.tubes < 0.5
        if second_k > LEAK_COLD_K and "leak" not in self.active:
            self.warm_s = now_s
        if standing and self.age_s > 0.0:
            self.stood_s = now_s
        gas_settled = now_s - self.stood_s > AFTER_S
        circulating = inputs.path("v1", "v3", "v4") and "scroll1" in inputs.on
        self._machines(view, standing, now_s)
        self._quench(view, now_s, second_k, standing)
        if not standing and gas_settled:
            self._gas(view, circulating, inputs, now_s, second_k)
        causes = {"power_cut", "warm_water", "compressor_trip"} & set(self.active)
        if not self.active and not self.since and not standing and circulating and gas_settled:
            self._learn(view, for_s)
        hidden = set()
        if "power_cut" in causes:
            hidden = set(self.active) - {"power_cut"}
        elif "warm_water" in causes:
            hidden = set(self.active) - {"warm_water"}
        elif causes:
            hidden = {"turbo_stop", "plug", "leak", "quench"}
        elif "quench" in self.active or "leak" in self.active:
            hidden = {"turbo_stop", "plug"}
        elif "turbo_stop" in self.active:
            hidden = {"plug"}
        return tuple(one for name, one in self.active.items() if name not in hidden)

    def _machines(self, view: FridgeView, standing: bool, now_s: float) -> None:
        charge = _good(view, "ups.charge")
        water_in, water_out = (
            _good(view, "compressor.coolant_in"),
            _good(view, "compressor.coolant_out"),
        )
        mains_gone = charge is not None and self._falls("charge", charge, now_s)
        if charge is None and standing and water_in is not None and water_out is not None:
            self._hold("stands", True, now_s)
            long = now_s - self.since["stands"] > WATER_STANDS_S
            mains_gone = long and water_out - water_in > WATER_STANDS_K
        elif not standing:
            self.since.pop("stands", None)
        self._set(
            "power_cut", mains_gone and standing, 0.0 if charge is None else charge, "1", now_s,
            "the mains have failed: pumps and valves run on the battery",
        )  # fmt: skip
        usual = self.usual.get("water")
        warm = usual is not None and water_in is not None and water_in > usual + WARM_WATER_K
        self._set(
            "warm_water", warm, water_in or 0.0, "K", now_s,
            f"cooling water comes in at {(water_in or 0.0) - 273.15:.0f} C",
        )  # fmt: skip
        self._set(
            "compressor_trip", standing and self.age_s > 0.0, 1.0, "1", now_s,
            "the helium compressor stands: the pulse tube does not cool",
        )  # fmt: skip

    def _falls(self, name: str, value: float, now_s: float) -> bool:
        before = self.usual.get(name, value)
        self.usual[name] = value
        if value >= before + 1e-9 or value > BATTERY_FALLS:
            self.since.pop(name, None)
            return "power_cut" in self.active and value <= before
        return True

    def _gas(
        self,
        view: FridgeView,
        circulating: bool,
        inputs: ModelInputs,
        now_s: float,
        second_k: float,
    ) -> None:
        flow, condensing = _good(view, "flow.circulation"), _good(view, "pressure.p3")
        usual = self.usual.get("conductance")
        plugged, share = False, 0.0
        if (
            usual is not None
            and flow
            and condensing
            and flow > LEAST_FLOW
            and condensing > LEAST_PA
        ):
            share = log(flow / condensing) - usual
            ratio = log(condensing / self.usual["condensing"])
            condenses = "v13" in inputs.open or "compressor" in inputs.on
            plugged = circulating and not condenses and share < -PLUG and ratio > 0.1
        if self._hold("plug", plugged, now_s, PLUG_S) or not plugged:
            self._set(
                "plug", plugged, 1.0 - exp(share), "1", now_s,
                "a trap is plugged: its pressure rises while the flow falls; use the other trap",
            )  # fmt: skip
        can, usual_can = _good(view, "pressure.p1"), self.usual.get("can")
        leaks = (
            can is not None
            and usual_can is not None
            and can > max(LEAK_PA, LEAK_FACTOR * exp(usual_can))
            and "v15" not in inputs.open
            and "v22" not in inputs.open
            and "quench" not in self.active
            and now_s - self.warm_s > LEAK_COLD_S
        )
        much = leaks and can is not None and can > MUCH * LEAK_PA
        if self._hold("leak", leaks, now_s, 0.0 if much else LEAK_S) or not leaks:
            self._set(
                "leak", leaks, can or 0.0, "Pa", now_s, "helium leaks into the vacuum can"
            )  # fmt: skip
        speed, usual_speed = _good(view, "turbo1.speed"), self.usual.get("turbo")
        off = "turbo1" not in inputs.on
        slow = speed is not None and usual_speed is not None and speed < TURBO_SLOW * usual_speed
        if not off and not slow:
            self.stopped_by_gas = False
        inlet = _good(view, "pressure.p2")
        gassed = inlet is not None and inlet > GASSED_PA
        if (off or slow) and gassed and "turbo_stop" not in self.active:
            self.stopped_by_gas = True  # gas brakes it, and interlocks stop it then
        slow = (off or slow) and usual_speed is not None and not self.stopped_by_gas
        if self._hold("turbo", slow, now_s, TURBO_S) or not slow:
            self._set("turbo_stop", slow, speed or 0.0, "Hz", now_s, "turbo1 has stopped")

    def _quench(self, view: FridgeView, now_s: float, second_k: float, standing: bool) -> None:
        kept = (*((t, k) for t, k in self.second if now_s - t <= QUENCH_S), (now_s, second_k))
        last = self.second[-1] if self.second else kept[0]
        self.second = kept if len(kept) > 1 else (last, kept[-1])
        coldest = min(k for _, k in self.second)
        jumped = second_k > QUENCH_K * coldest and second_k - coldest > 1.0
        can, usual = _good(view, "pressure.p1"), self.usual.get("can")
        if can is not None and usual is not None and can > max(LEAK_PA, LEAK_FACTOR * exp(usual)):
            jumped = False  # gas in the can warms it
        if jumped and not standing and now_s - self.stood_s > 600.0 and self.age_s > 0.0:
            self._set("quench", True, second_k, "K", now_s, "heat of a quench at the second stage")
        elif "quench" in self.active and second_k < 5.0:
            del self.active["quench"]

    def _hold(self, name: str, holds: bool, now_s: float, for_s: float = 0.0) -> bool:
        if not holds:
            self.since.pop(name, None)
            return False
        return now_s - self.since.setdefault(name, now_s) >= for_s

    def _set(
        self, fault: str, holds: bool, value: float, unit: str, now_s: float, words: str
    ) -> None:
        if not holds:
            self.active.pop(fault, None)
            return
        since = self.active[fault].since_s if fault in self.active else now_s
        self.active[fault] = FaultSign(fault, value, unit, since, words)

    def _learn(self, view: FridgeView, for_s: float) -> None:
        self.age_s += for_s
        part = min(1.0, for_s / max(1.0, min(LEARNED_S, self.age_s)))
        found = {
            "water": _good(view, "compressor.coolant_in"),
            "turbo": _good(view, "turbo1.speed"),
        }
        can, condensing = _good(view, "pressure.p1"), _good(view, "pressure.p3")
        flow = _good(view, "flow.circulation")
        if can is not None and can > 0.0:
            found["can"] = log(can)
        if (
            condensing is not None
            and flow is not None
            and condensing > LEAST_PA
            and flow > LEAST_FLOW
        ):
            found["conductance"], found["condensing"] = log(flow / condensing), condensing
        for name, value in found.items():
            if value is not None:
                before = self.usual.get(name, value)
                self.usual[name] = before + part * (value - before)


def _good(view: FridgeView, signal: str) -> float | None:
    """Return a reading that can be: between 0 and what any of them reaches."""
    return plausible(view, signal, 1e7)
