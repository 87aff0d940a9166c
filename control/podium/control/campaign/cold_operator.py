"""Acts on a fridge as interlocks and procedures do, with nobody to ask but who repairs.

Pure: a view and what the observer says give writes. Interlocks come first (turbo, pressures,
mixture, trap); then the procedure ``recover`` runs, confirmed by itself. What valve rules forbid
is not written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.bus.operations import Operated
from podium.control.facility.fridge_wiring import FridgeWiring, Part
from podium.control.facility.valve_rules import forbidden
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.observer import Observed
from podium.control.supervision.procedure import PROCEDURES, answered, step
from podium.control.supervision.procedure_run import ProcedureRun, StepRecord, WiredPart
from podium.firmware_interfaces import fridge_signals as signals

TURBO_PA = 400.0
"""At its inlet, beyond which a turbo is shut off and stopped."""
COLLECT_K = 9.0
"""Of the second stage, from where the mixture goes to the tank."""
HIGH_PA = 1.6e5
"""In the condensing line, likewise."""
STILL_HIGH_PA = 2e4
"""In the still line, from where it goes to the tank by the condensing line as well."""
CAN_PA = 3e-3
"""In the vacuum can, from where it is pumped."""
READY_K = 6.0
"""Of the second stage, below which what was collected is condensed again."""
DEAD_S = 600.0
AGAIN_S = 1800.0
"""After a procedure that failed."""


@dataclass(slots=True)
class ColdOperator:
    """Operates one fridge: its mode, the procedure that runs, and what was done."""

    wiring: FridgeWiring
    model: str
    mode: str = "circulating"
    """Or ``collecting`` or ``recovering``."""
    run: ProcedureRun | None = None
    actions: list[tuple[float, str]] = field(default_factory=list)
    """When it protected, s, and how."""
    held: str = ""
    """A cause that only a person can tell is gone."""
    over: str = ""
    """A cause that is gone, though its sign still shows."""
    other_trap: bool = False
    first_trap: bool = False
    """Whether the first trap is free again."""
    wanted: bool = False
    """Whether ``recover`` is to be run although the pulse tube runs."""
    dead_s: float = 0.0
    """Since when a run waits for pumps that stand."""
    failed_s: float = -1e9
    runs: list[tuple[float, str]] = field(default_factory=list)
    """Procedures that ended: when, and how."""

    def step(self, view: FridgeView, seen: Observed, now_s: float) -> dict[str, float]:
        """Return what to write now."""
        causes = {one.where for one in seen.findings if one.kind == "fault"}
        stands = (view.good("compressor.running") or 0.0) < 0.5
        writes = self._interlocks(view, seen, causes, now_s)
        if self.mode == "collecting" and not self.held:
            ready = stands or seen.kelvin.get("second_stage", 300.0) < READY_K
            if ready and now_s - self.failed_s > AGAIN_S:
                self._begin(now_s, view)
        elif self.mode == "circulating" and stands and view.good("compressor.running") is not None:
            self.actions.append((now_s, "recover begins"))
            self._begin(now_s, view)
        if self.wanted and self.mode == "circulating":
            self.wanted = False
            self._begin(now_s, view)
        if self.mode == "recovering" and self._dead(view, now_s):
            self.runs.append((now_s, "begun anew: pumps had no electricity"))
            self._begin(now_s, view)
        if self.mode == "recovering":
            writes = {**self._recover(view, now_s), **writes}
        good = {signal: latest.good for signal, latest in view.signals.items()}
        return {
            name: value
            for name, value in writes.items()
            if good.get(name) != value and not forbidden(name, value, good)
        }

    def repaired(self, cause: str) -> None:
        """Take a person's word that a cause is gone."""
        if self.held == cause:
            self.held, self.over = "", cause
        if cause == "plug":
            self.first_trap = self.other_trap
        if cause == "turbo_stop" and self.mode == "circulating":
            self.wanted = True

    def _interlocks(
        self, view: FridgeView, seen: Observed, causes: set[str], now_s: float
    ) -> dict[str, float]:
        writes: dict[str, float] = {}
        inlet, on = view.good("pressure.p2"), view.good(signals.on_of(signals.TURBO1))
        if on and inlet is not None and inlet > TURBO_PA:
            self.actions.append((now_s, "turbo1 stopped: too much gas"))
            writes |= {signals.open_of("v1"): 0.0, signals.on_of(signals.TURBO1): 0.0}
            if self.mode == "circulating":
                self.mode = "collecting"
        if "plug" in causes and not self.other_trap:
            self.other_trap = True
            self.actions.append((now_s, "the other trap"))
            writes |= _valves(("v7", "v8"))
        if self.mode == "circulating":
            high = (view.good("pressure.p3") or 0.0) > HIGH_PA
            warm = seen.kelvin.get("second_stage", 0.0) > COLLECT_K
            if warm or high:
                self.actions.append((now_s, "mixture to the tank"))
                self.mode = "collecting"
        if self.over not in causes:
            self.over = ""
        if self.first_trap:
            self.other_trap = self.first_trap = False
            writes |= _valves(("v7", "v8"), 0.0)
        if "leak" in causes and not self.held and self.over != "leak":
            self.actions.append((now_s, "mixture to the tank: leak"))
            self.mode, self.held, self.run = "collecting", "leak", None
        if self.mode == "collecting":
            writes |= self._collect(view)
        return writes

    def _collect(self, view: FridgeView) -> Mapping[str, float]:
        """Return what lets the mixture into the tank, and nothing more into the fridge."""
        writes = {**_valves(("v12", "v10", "v4")), **_valves(("v13", "v9"), 0.0)}
        writes |= {signals.on_of(signals.COMPRESSOR): 0.0, signals.on_of(signals.SCROLL1): 1.0}
        still = view.good("pressure.p2") or 0.0
        tank = view.good("pressure.p5") or 0.0
        if still > STILL_HIGH_PA and still > 1.3 * tank:
            writes |= _valves(("v18",))
        elif still < 1.1 * tank:
            writes |= _valves(("v18",), 0.0)
        if view.good(signals.on_of(signals.TURBO1)) == 0.0 and still > STILL_HIGH_PA / 10:
            writes |= _valves(("v2",))
        return {**writes, **self._pump_can(view)}

    def _pump_can(self, view: FridgeView) -> Mapping[str, float]:
        """Return what pumps the vacuum can while there is gas in it, and shuts it afterwards."""
        can = view.good("pressure.p1")
        if can is None:
            return {}
        if can > CAN_PA:
            pumps = {signals.on_of(signals.SCROLL2): 1.0, signals.on_of(signals.TURBO2): 1.0}
            return pumps | _valves(("v14",))
        if can < CAN_PA / 30:
            return _valves(("v14",), 0.0) | {signals.on_of(signals.TURBO2): 0.0}
        return {}

    def _dead(self, view: FridgeView, now_s: float) -> bool:
        """Tell whether a run waits for pumps that a power cut has stopped."""
        pumps = self.run is not None and self.run.step.name.startswith("pump")
        off = view.good(signals.on_of(signals.SCROLL1)) == 0.0
        set_ = self.run is not None and all(one.state == "done" for one in self.run.operations)
        if not (pumps and off and set_):
            self.dead_s = now_s
        if now_s - self.dead_s < DEAD_S:
            return False
        self.dead_s = now_s
        return True

    def _begin(self, now_s: float, view: FridgeView) -> None:
        parts = tuple(WiredPart(signal, part) for signal, part in self.wiring.parts.items())
        steps = tuple(StepRecord(one.name) for one in PROCEDURES["recover"].steps(self.model))
        name = f"recover-{now_s:.0f}"
        self.mode = "recovering"
        self.run = ProcedureRun(
            name, "recover", view.fridge, self.model, "campaign", False, parts, "running", steps
        )

    def _recover(self, view: FridgeView, now_s: float) -> dict[str, float]:
        if self.run is None:
            return {}
        writes = {}
        self.run, operations = step(self.run, view)
        for one in operations:
            signal = self.run.signal_of(Part(one.instrument, one.part))
            writes[signal] = one.value
            self.run = answered(self.run, one.token, Operated(None))
        if self.run.over or self.run.state == "asking":
            done = self.run.state == "done"
            words = self.run.words or self.run.step.words
            self.runs.append((now_s, f"{self.run.state}: {self.run.step.name}: {words}"))
            self.mode, self.run = ("circulating" if done else "collecting"), None
            self.failed_s = -1e9 if done else now_s
        return writes


def _valves(names: tuple[str, ...], value: float = 1.0) -> dict[str, float]:
    return {signals.open_of(name): value for name in names}
