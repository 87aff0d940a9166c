"""Procedures and interlocks get along: no procedure trips one, and recovery follows one."""

from dataclasses import dataclass, field

import pytest
from tests.benches.supervision.plant_operator import PlantOperator, begun, view_of

from podium.control.agent.interlock_state import InterlockState, good_of, refusal
from podium.control.bus.operations import Operate, Operated
from podium.control.facility.interlock_rules import RULES
from podium.control.supervision.procedure_run import ProcedureRun
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat

V1, V2, V9, V12, V18 = (signals.open_of(valve) for valve in ("v1", "v2", "v9", "v12", "v18"))
TURBO1 = signals.on_of("turbo1")


@dataclass
class GuardedOperator(PlantOperator):
    """An operator beside whom the rules act, on the same readings."""

    rules: list[InterlockState] = field(
        default_factory=lambda: [InterlockState("fridge_a", rule) for rule in RULES]
    )
    tripped: list[str] = field(default_factory=list)
    acted: list[tuple[str, float]] = field(default_factory=list)

    def operate(self, one: Operate) -> Operated | str:
        for rule in self.rules:
            if why := rule.refusal(one.part, one.value):
                self.refused.append(rule.name)
                return why
        return super().operate(one)

    def guard(self) -> None:
        view = view_of(self.plant, self.now_fs)
        good = good_of(view)
        for one in self.rules:
            before = bool(one.tripped)
            if not one.step(view, good, self.now_fs / FS_PER_S):
                continue
            if not before:
                self.tripped.append(one.rule.name)
            for signal, value in one.rule.then:
                if not one.due(signal, value, good.get(signal)):
                    continue
                if not refusal(self.rules, signal, value, good):
                    self.plant.write(signal, value, self.now_fs)
                    self.acted.append((signal, value))
                    one.left.discard(signal)

    def guarded(self, run: ProcedureRun) -> ProcedureRun:
        return self.run(run, lambda operator, _: self.guard())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start"), [("cooldown", "warm"), ("warm_up", "cold")])
def test_no_procedure_trips_an_interlock(name: str, start: str) -> None:
    operator = GuardedOperator(Cryostat(LD400, 0, start=start, seed=2))
    run = operator.guarded(begun(name, LD400.model))
    assert (run.state, operator.tripped, operator.refused) == ("done", [], [])


@pytest.mark.parametrize("wait_s", [600, pytest.param(3600, marks=pytest.mark.slow)])
def test_a_fridge_recovers_after_its_turbo_was_cut_off(wait_s: int) -> None:
    operator = GuardedOperator(Cryostat(LD400, 0, seed=2))
    operator.plant.fault("compressor_trip", 60 * FS_PER_S)
    for at_s in range(120, wait_s, 60):
        operator.now_fs = at_s * FS_PER_S
        operator.guard()
    assert operator.tripped == ["turbo1_inlet", "still_line_pressure"]
    assert operator.acted[:2] == [(V1, 0.0), (TURBO1, 0.0)]
    assert {(V2, 1.0), (V12, 1.0), (V18, 1.0), (V9, 0.0)} <= {*operator.acted}
    operator.now_fs = wait_s * FS_PER_S
    operator.plant.repair("compressor_trip", operator.now_fs)
    run = operator.guarded(begun("recover", LD400.model))
    assert (run.state, operator.refused) == ("done", [])
    assert operator.plant.read("temperature.mixing_chamber", operator.now_fs) < 0.012
    assert operator.plant.state(operator.now_fs).lost_mol == 0.0
