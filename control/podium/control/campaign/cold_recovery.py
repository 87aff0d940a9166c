"""Brings a fridge of ``podium campaign cold`` back to its usual operation, as a person would.

Who repairs a fault finds what interlocks have left and runs the procedure ``recover`` that ships.
Nobody comes before: until then interlocks are alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from podium.control.bus.operations import Operated
from podium.control.facility.fridge_wiring import FridgeWiring, Part
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure import PROCEDURES, answered, records_of, step
from podium.control.supervision.procedure_run import ProcedureRun, WiredPart
from podium.firmware_interfaces import fridge_signals as signals

USUALLY_ON = (
    signals.PULSE_TUBE,
    signals.on_of(signals.TURBO1),
    signals.on_of(signals.SCROLL1),
    *(signals.open_of(valve) for valve in ("v1", "v3", "v4", "v5", "v6", "v9", "v10")),
)
USUALLY_OFF = (signals.on_of(signals.COMPRESSOR), signals.open_of("v12"), signals.open_of("v13"))
"""How a fridge stands that circulates."""
AGAIN_S = 1800.0
"""After a procedure that failed, until it is asked for again."""

Refuse = Callable[[FridgeView, str, float], str]
"""Returns why a signal must not be set to a value; empty: it may."""


@dataclass(slots=True)
class Recovery:
    """The person who repairs one fridge, and the procedure that runs."""

    wiring: FridgeWiring
    model: str
    refuse: Refuse
    run: ProcedureRun | None = None
    failed_s: float = -AGAIN_S
    runs: list[tuple[float, str]] = field(default_factory=list)
    """Procedures that ended: when, and how."""

    def step(self, view: FridgeView, repaired: bool, now_s: float) -> dict[str, float]:
        """Return what the procedure sets now; ``repaired``: no fault is left."""
        asked = repaired and now_s - self.failed_s >= AGAIN_S
        if self.run is None and asked and not circulates(view):
            self.run = self._begun(view, now_s)
        if self.run is None:
            return {}
        writes: dict[str, float] = {}
        self.run, operations = step(self.run, view)
        for one in operations:
            signal = self.run.signal_of(Part(one.instrument, one.part))
            why = self.refuse(view, signal, one.value)
            if not why:
                writes[signal] = one.value
            self.run = answered(self.run, one.token, why or Operated(None))
        if self.run.over or self.run.state == "asking":
            words = self.run.words or self.run.step.words
            self.runs.append((now_s, f"{self.run.state}: {self.run.step.name}: {words}"))
            if self.run.state != "done":
                self.failed_s = now_s
            self.run = None
        return writes

    def _begun(self, view: FridgeView, now_s: float) -> ProcedureRun:
        parts = tuple(WiredPart(signal, part) for signal, part in self.wiring.parts.items())
        records = records_of(PROCEDURES["recover"], self.model)
        return ProcedureRun(
            f"recover-{now_s:.0f}", "recover", view.fridge, self.model, "campaign", False, parts,
            "running", records,
        )  # fmt: skip


def circulates(view: FridgeView) -> bool:
    """Tell whether nothing that is known says that a fridge is out of its usual operation."""
    return all(view.good(signal) in (None, 1.0) for signal in USUALLY_ON) and all(
        view.good(signal) in (None, 0.0) for signal in USUALLY_OFF
    )
