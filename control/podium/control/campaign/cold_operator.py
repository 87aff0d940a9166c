"""Acts on a fridge as interlocks and the procedure ``recover`` do, without asking anybody.

Pure: a view and what the observer says give writes. It protects first (turbo, pressures, mixture),
and brings a fridge back once its pulse tube runs: precool, condense, circulate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.observer import Observed
from podium.control.supervision.view_inputs import CIRCULATING_VALVES
from podium.firmware_interfaces import fridge_signals as signals

TURBO_PA = 400.0
"""At its inlet, beyond which a turbo is stopped and bypassed."""
COLLECT_K = 9.0
"""Of the second stage, from where the mixture goes to the tank."""
HIGH_PA = 1.6e5
"""In the condensing line, likewise."""
WIDE_PA = 1e4
"""In the still line, from where it goes to the tank by the widest way."""
RESTART_S = 600.0
"""Between two attempts to start a pulse tube."""
CONDENSING_PA = (9e4, 1.2e5)
"""In the condensing line while it condenses: below it more is let in, above it none."""
PRECOOLED_K, CONDENSES_K = 5.5, 4.6
TANK_PA = 5.5e3
SETTLES_S = 1800.0
"""Of circulation that runs again, before anything but the turbo is judged."""


@dataclass(slots=True)
class ColdOperator:
    """What it is about, and what it has done."""

    still_w: float
    mode: str = "circulating"
    """Or ``collecting`` or ``condensing``."""
    restarted_s: float = -1e9
    actions: list[tuple[float, str]] = field(default_factory=list)
    """When it protected, s, and how."""
    other_trap: bool = False
    circulating_s: float = -1e9
    """Since when, after it had condensed."""

    def step(self, view: FridgeView, seen: Observed, now_s: float) -> dict[str, float]:
        """Return what to write now."""
        writes: dict[str, float] = {}
        causes = {one.where for one in seen.findings if one.kind == "fault"}
        self._turbo(view, now_s, writes)
        match self.mode:
            case "circulating":
                self._watch(view, seen, causes, now_s, writes)
            case "collecting":
                self._collecting(view, seen, causes, now_s, writes)
            case _:
                self._condensing(view, seen, causes, now_s, writes)
        if (view.good("compressor.running") or 0.0) < 0.5:
            self._restart(view, now_s, writes)
        changed = {}
        for name, value in writes.items():
            shown = view.good(name)
            if shown is None or abs(shown - value) > 1e-9:
                changed[name] = value
        return changed

    def _turbo(self, view: FridgeView, now_s: float, writes: dict[str, float]) -> None:
        inlet, on = view.good("pressure.p2"), view.good(signals.on_of(signals.TURBO1))
        if inlet is None or on is None:
            return
        if on and inlet > TURBO_PA:
            self.actions.append((now_s, "turbo1 stopped: too much gas"))
            writes |= {signals.on_of(signals.TURBO1): 0.0, signals.open_of("v2"): 1.0}
        elif not on and inlet < TURBO_PA / 4 and view.good("pump.scroll1.on"):
            writes |= {signals.on_of(signals.TURBO1): 1.0, **_valves(("v1", "v3"))}
        if on and (view.good("turbo1.speed") or 0.0) > 600.0 and inlet < TURBO_PA / 4:
            writes[signals.open_of("v2")] = 0.0

    def _watch(
        self,
        view: FridgeView,
        seen: Observed,
        causes: set[str],
        now_s: float,
        writes: dict[str, float],
    ) -> None:
        if "plug" in causes and not self.other_trap:
            self.other_trap = True
            self.actions.append((now_s, "the other trap"))
            writes |= _valves(("v7", "v8"))
        high = (view.good("pressure.p3") or 0.0) > HIGH_PA
        warm = seen.kelvin.get("second_stage", 0.0) > COLLECT_K
        if warm or high or "leak" in causes:
            why = "leak" if "leak" in causes else "warm" if warm else "pressure"
            self.actions.append((now_s, f"mixture to the tank: {why}"))
            self.mode = "collecting"
            self._collecting(view, seen, causes, now_s, writes)

    def _collecting(
        self,
        view: FridgeView,
        seen: Observed,
        causes: set[str],
        now_s: float,
        writes: dict[str, float],
    ) -> None:
        writes |= _valves(("v4", "v2", "v11")) | _valves(("v10", "v13"), 0.0)
        writes |= {signals.on_of(signals.COMPRESSOR): 0.0, signals.on_of(signals.SCROLL1): 1.0}
        still = view.good("pressure.p2") or 0.0
        tank = view.good("pressure.p5") or 0.0
        condensing = view.good("pressure.p3") or 0.0
        wide = max(still, condensing) > WIDE_PA and max(still, condensing) > 1.5 * tank
        if wide:
            writes |= _valves(("v12",))
            if still > WIDE_PA:
                writes |= _valves(("v18",))
        elif max(still, condensing) < 1.3 * tank:
            writes |= _valves(("v18", "v12"), 0.0)
        running = (view.good("compressor.running") or 0.0) > 0.5
        warm = max(seen.kelvin.get(stage, 300.0) for stage in signals.STAGES[2:])
        writes[signals.HEAT_SWITCH] = float(running and warm > PRECOOLED_K)
        cold = seen.kelvin.get("second_stage", 300.0) < CONDENSES_K and warm < PRECOOLED_K
        if running and cold and not causes & {"leak", "warm_water", "power_cut"}:
            self.mode = "condensing"

    def _condensing(
        self,
        view: FridgeView,
        seen: Observed,
        causes: set[str],
        now_s: float,
        writes: dict[str, float],
    ) -> None:
        if seen.kelvin.get("second_stage", 0.0) > COLLECT_K or "leak" in causes:
            self.mode = "collecting"
            return
        opened = set(CIRCULATING_VALVES) - {"v10", "v1", "v3"}
        writes |= _valves(tuple(opened)) | _valves(("v11", "v12", "v18", "v10"), 0.0)
        writes |= {
            signals.on_of(signals.SCROLL1): 1.0,
            signals.on_of(signals.COMPRESSOR): 1.0,
            signals.HEAT_SWITCH: 0.0,
        }
        pressure = view.good("pressure.p3")
        if pressure is None or pressure > CONDENSING_PA[1]:
            writes |= {signals.on_of(signals.COMPRESSOR): 0.0, signals.open_of("v13"): 0.0}
        elif pressure < CONDENSING_PA[0]:
            writes[signals.open_of("v13")] = 1.0
        else:
            del writes[signals.on_of(signals.COMPRESSOR)]
        tank = view.good("pressure.p5")
        if tank is not None and tank < TANK_PA:
            self.mode, self.circulating_s = "circulating", now_s
            writes |= _valves(("v13",), 0.0) | _valves(("v10",))
            writes |= {
                signals.on_of(signals.COMPRESSOR): 0.0,
                signals.power_of("still"): self.still_w,
            }

    def _restart(self, view: FridgeView, now_s: float, writes: dict[str, float]) -> None:
        water = view.good("compressor.coolant_in")
        if now_s - self.restarted_s >= RESTART_S and (water is None or water < 300.0):
            self.restarted_s = now_s
            writes[signals.PULSE_TUBE] = 1.0
            writes[signals.power_of("still")] = 0.0 if self.mode != "circulating" else self.still_w
            if self.mode == "circulating":
                writes |= _valves(("v4", "v5", "v6", "v9", "v10"))
                writes[signals.on_of(signals.SCROLL1)] = 1.0


def _valves(names: tuple[str, ...], value: float = 1.0) -> Mapping[str, float]:
    return {signals.open_of(name): value for name in names}
