"""Supervisor, agent and coordinator are killed at 200 random moments of a procedure.

The plant is the plant itself; between it and the procedure stand an agent that keeps its tokens in
a journal (intent before the hardware, end after it) and a transport that loses, repeats and delays.
A kill forgets all that is not in a journal.
"""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.benches.supervision.plant_operator import begun, view_of

from podium.control.bus.operations import Operate, Operated
from podium.control.facility.valve_rules import forbidden
from podium.control.supervision.procedure import answered, resumed, step
from podium.control.supervision.procedure_journal import ProcedureJournal
from podium.control.supervision.procedure_operations import good_values
from podium.control.supervision.procedure_run import ProcedureRun
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat

KILLS = 200
LOOK_S = 20
LONGEST_LOOKS = 20_000


class Killed(Exception):
    """A process is dead; what it has not written is gone."""


class Lost(Exception):
    """A request or its answer went nowhere."""


@dataclass
class Agent:
    """Does each token once, as agents do: its journal outlives it, its memory does not."""

    plant: Cryostat
    chance: random.Random
    journal: dict[str, str] = field(default_factory=dict)
    """By token: ``begun`` or ``done``."""
    writes: list[tuple[str, str, float, float]] = field(default_factory=list)
    """Token, signal, value, and what the hardware said just before."""
    kills: int = 0

    def operate(self, one: Operate, now_fs: int, deaf: bool) -> Operated | str:
        if self.journal.get(one.token) == "done":
            return Operated(one.value, repeated=True)
        before = self.plant.read(one.part, now_fs)
        if self.journal.get(one.token) == "begun" and before == one.value:
            self.journal[one.token] = "done"
            return Operated(before, repeated=True)
        if why := forbidden(one.part, one.value, good_values(view_of(self.plant, now_fs))):
            return why
        self.journal[one.token] = "begun"
        self._may_die()
        self.writes.append((one.token, one.part, one.value, before))
        if not deaf:
            self.plant.write(one.part, one.value, now_fs)
        self._may_die()
        self.journal[one.token] = "done"
        return Operated(None)

    def _may_die(self) -> None:
        if self.chance.random() < 0.3:
            self.kills += 1
            raise Killed


@dataclass
class KilledSupervisor:
    """The supervisor's loop, killed between any two of its actions and begun anew."""

    file: Path
    agent: Agent
    chance: random.Random
    deaf: float = 0.0
    """How often the hardware does nothing though it says so."""
    now_fs: int = 3600 * FS_PER_S
    kills: int = 0
    acknowledged: tuple[str, ...] = ()

    def run(self, first: ProcedureRun) -> ProcedureRun:
        journal = ProcedureJournal(self.file)
        journal.write(first)
        journal.close()
        for _ in range(LONGEST_LOOKS):
            journal = ProcedureJournal(self.file)
            run = resumed(journal.runs[first.id])
            assert run.confirmed_by == first.confirmed_by
            try:
                self._live(journal, run)
                return journal.runs[first.id]
            except Killed:
                self.kills += 1
            finally:
                journal.close()
        raise AssertionError("it does not end")

    def _live(self, journal: ProcedureJournal, run: ProcedureRun) -> None:
        while not run.over:
            self.now_fs += LOOK_S * FS_PER_S
            if run.operations or self.chance.random() < 0.02:
                self._may_die()
            run, operations = step(run, view_of(self.agent.plant, self.now_fs))
            assert run.state != "asking", run.words
            self._may_die(len(operations))
            journal.write(run)
            self._may_die(len(operations))
            for one in operations:
                try:
                    answer: Operated | str = self._sent(one)
                except Lost as lost:
                    answer = str(lost)
                self._may_die()
                run = answered(run, one.token, answer)
                self._may_die()
                journal.write(run)
        journal.write(run)

    def _sent(self, one: Operate) -> Operated | str:
        """Carry a request there and back: lost on the way (the router was killed), or repeated."""
        if self.chance.random() < 0.1:
            raise Lost("no answer within 10 s")
        deaf = self.chance.random() < self.deaf
        try:
            answer = self.agent.operate(one, self.now_fs, deaf)
            if self.chance.random() < 0.1:
                answer = self.agent.operate(one, self.now_fs, deaf)
        except Killed:
            raise Lost("its agent is gone") from None
        if self.chance.random() < 0.1:
            raise Lost("the answer did not come")
        return answer

    def _may_die(self, operations: int = 1) -> None:
        if operations and self.chance.random() < 0.16:
            raise Killed


def lived(file: Path, seed: int, deaf: float = 0.0) -> KilledSupervisor:
    chance = random.Random(seed)
    plant = Cryostat(LD400, 0)
    plant.fault("compressor_trip", 3600 * FS_PER_S)
    plant.repair("compressor_trip", 4000 * FS_PER_S)
    supervisor = KilledSupervisor(file, Agent(plant, chance), chance, deaf)
    first = replace(begun("recover", "LD400"), confirmed_by=("ada", "grace"))
    run = supervisor.run(first)
    assert run.state == "done", run.words
    assert [one.state for one in run.steps if one.state not in ("done", "skipped")] == []
    assert plant.read("temperature.mixing_chamber", supervisor.now_fs) < 0.01
    assert plant.state(supervisor.now_fs).lost_mol == 0.0
    return supervisor


def test_a_procedure_outlives_200_kills_and_no_operation_is_done_twice(tmp_path: Path) -> None:
    kills = 0
    for seed in range(20):
        supervisor = lived(tmp_path / f"{seed}.jsonl", seed)
        kills += supervisor.kills + supervisor.agent.kills
        seen = set[tuple[str, str]]()
        for token, signal, value, before in supervisor.agent.writes:
            # The plant leaves a compressor off that has tripped: it is asked again as it reads.
            operation = token.split("/")[1], signal
            assert operation not in seen or before != value, (token, "done a second time")
            seen.add(operation)
        if kills >= KILLS:
            return
    pytest.fail(f"only {kills} kills")


def test_hardware_that_does_nothing_is_asked_again_only_as_its_reading_shows(
    tmp_path: Path,
) -> None:
    supervisor = lived(tmp_path / "deaf.jsonl", 7, deaf=0.3)
    rounds = [one for one in supervisor.agent.writes if one[0].count("/") > 2]
    assert rounds
    assert all(before != value for _, _, value, before in rounds)
