"""Runs a procedure on the plant itself: views from its outputs, operations into its inputs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from podium.control.bus.operations import Operate, Operated
from podium.control.facility.fridge_wiring import Part
from podium.control.facility.valve_rules import forbidden
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.procedure import PROCEDURES, answered, records_of, step
from podium.control.supervision.procedure_run import ProcedureRun, WiredPart
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.plant import Cryostat

HIDDEN = frozenset(
    {
        signals.temperature_of("cold_plate"),
        "turbo2.speed",
        "compressor.errors",
        "compressor.warnings",
    }
)
"""What the instruments of examples/cold do not read."""
PARTS = tuple(
    WiredPart(signal, Part("control_a", signal))
    for signal in (
        *(signals.open_of(valve) for valve in signals.VALVES),
        *(signals.on_of(pump) for pump in signals.PUMPS),
        signals.PULSE_TUBE,
        signals.HEAT_SWITCH,
        signals.power_of("still"),
        signals.power_of("mixing_chamber"),
    )
)
LOOK_S = 60
LONGEST_S = 7 * 86400


def view_of(plant: Cryostat, now_fs: int, hidden: Iterable[str] = HIDDEN) -> FridgeView:
    """Return what instruments would read now, all of it good."""
    tai = divmod(now_fs, FS_PER_S)
    found = {
        name: Latest(f"plant.{name}", plant.read(name, now_fs), unit, "good", tai)
        for name, unit in signals.OUTPUTS.items()
        if name not in hidden
    }
    return FridgeView("fridge_a", tai, found, {})


def begun(name: str, model: str, parts: tuple[WiredPart, ...] = PARTS) -> ProcedureRun:
    """A run that everybody has agreed to."""
    records = records_of(PROCEDURES[name], model)
    return ProcedureRun(
        f"fridge_a-{name}-1", name, "fridge_a", model, "ada", False, parts, "running", records
    )


@dataclass
class PlantOperator:
    """The supervisor's loop and an agent with its interlocks, in simulated time."""

    plant: Cryostat
    now_fs: int = 0
    look_s: int = LOOK_S
    done: list[tuple[float, Operate]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(
        self,
        run: ProcedureRun,
        each: Callable[["PlantOperator", ProcedureRun], None] = lambda *_: None,
        longest_s: float = LONGEST_S,
    ) -> ProcedureRun:
        """Go on until the run is over or asks a person."""
        until_fs = self.now_fs + int(longest_s) * FS_PER_S
        while not run.over and run.state != "asking" and self.now_fs < until_fs:
            self.now_fs += self.look_s * FS_PER_S
            view = view_of(self.plant, self.now_fs)
            run, operations = step(run, view)
            for one in operations:
                run = answered(run, one.token, self.operate(one))
            each(self, run)
        return run

    def operate(self, one: Operate) -> Operated | str:
        view = view_of(self.plant, self.now_fs)
        why = forbidden(one.part, one.value, {k: v.good for k, v in view.signals.items()})
        if why:
            self.refused.append(f"{one.part}={one.value}: {why}")
            return why
        self.plant.write(one.part, one.value, self.now_fs)
        self.done.append((self.now_fs / FS_PER_S, one))
        return Operated(None)


def scaled(
    parameters: CryostatParameters, masses: float, conductances: float
) -> CryostatParameters:
    """Return a fridge whose masses and conductances differ from its model's by these factors."""
    stages = parameters.stages
    m = tuple(kg * masses for kg in stages.masses_kg)
    return replace(
        parameters,
        stages=replace(
            stages,
            masses_kg=(m[0], m[1], m[2], m[3], m[4]),
            radiation_room=stages.radiation_room * conductances,
            conduction_room=stages.conduction_room * conductances,
            radiation_first=stages.radiation_first * conductances,
            conduction_first=stages.conduction_first * conductances,
            conduction_second=stages.conduction_second * conductances,
            conduction_still=stages.conduction_still * conductances,
            conduction_cold_plate=stages.conduction_cold_plate * conductances,
            heat_switch=stages.heat_switch * conductances,
        ),
    )
