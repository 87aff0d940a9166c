"""Runs one routine on some qubits of a lab; ``podium calibrate`` runs several."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.control.calibration.bench import BeginStep, Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import VALIDITY
from podium.control.calibration.declaration import Routine
from podium.control.calibration.facility_copy import keep_facility
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.readiness import check_fridges, ramp_biases
from podium.control.calibration.recorded_outcome import outcome_recorder
from podium.control.calibration.routine_result import Calibrated
from podium.control.calibration.runner import Runner
from podium.control.calibration.user_routines import NoRoutine, find_routines
from podium.control.client.lab import Lab
from podium.control.facility.atomic_files import check_writable
from podium.control.facility.facility import Facility, Qubit
from podium.control.facility.problems import suggest
from podium.control.facility.qubit_names import chosen_qubits
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.validity import Validities
from podium.control.records.calibration_folder import CalibrationFolder
from podium.firmware_interfaces.quantity import parse_quantity


@dataclass(frozen=True, slots=True)
class OneRoutine:
    """A routine and the qubits that it is asked for."""

    name: str
    routine: Routine
    qubits: tuple[Qubit, ...]

    @classmethod
    def of(cls, facility: Facility, word: str, qubits: Sequence[str]) -> "OneRoutine":
        """Find a routine by its name or file, and qubits by theirs (none: all).

        Raises ``NoRoutine`` and ``UnknownQubit``.
        """
        (name,), routines = find_routines([word])
        if name not in routines:
            raise NoRoutine(f"no routine {name!r}; {suggest(name, routines)}")
        return cls(name, routines[name], chosen_qubits(facility, qubits))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that the qubits are on."""
        return tuple(dict.fromkeys(qubit.node for qubit in self.qubits))

    @property
    def title(self) -> str:
        """Return the title that others see."""
        return f"{self.name.replace('_', ' ')} of {', '.join(q.name for q in self.qubits)}"


async def calibrate(
    lab: Lab,
    routine: str,
    qubits: Sequence[str],
    place: CalibrationFolder,
    thoroughness: float,
    active_reset: bool,
    validity: Mapping[str, str],
) -> Calibrated:
    """Carry out ``routine`` on ``qubits`` as a procedure that others see; see ``Lab.calibrate``."""
    one = OneRoutine.of(lab.facility, routine, qubits)
    over = {name: parse_quantity(time, "s") for name, time in validity.items()}
    validities = Validities.laid_over(VALIDITY, lab.facility.validity, over)
    await lab.all_connected()
    async with lab.procedure(one.title, one.nodes, len(one.nodes)) as (procedure, shown):
        begin_step = procedure.begin_step
        return await calibrated(
            shown, one, place, begin_step, thoroughness, active_reset, validities
        )


async def calibrated(
    runner: Runner,
    one: OneRoutine,
    place: CalibrationFolder,
    begin_step: BeginStep,
    thoroughness: float,
    active_reset: bool,
    validities: Validities,
) -> Calibrated:
    """Look at the fridges, ramp the biases, and carry out ``one``, node by node.

    ``begin_step`` receives each node's, from 1. Raises ``RunError``, ``NotCold``,
    ``StoreError``, ``NotStorable``, ``BadEntry`` and OSError; what was found before is kept.
    """
    facility = runner.facility
    await asyncio.to_thread(check_writable, place.folder)
    if place.facility_file is not None:
        file, digest = place.facility_file, facility.digest
        await asyncio.to_thread(keep_facility, file, digest, place.datasets)
    outcomes: list[Outcome] = []
    with ParameterStore(place.store) as store:
        await check_fridges(runner, one.qubits)
        _, notes = await ramp_biases(runner, one.qubits, store, validities)
        for number, node in enumerate(one.nodes, 1):
            await begin_step(number, one.name)
            bench = Bench(
                runner,
                node,
                tuple(qubit for qubit in one.qubits if qubit.node == node),
                store,
                keep=place.keep,
                thoroughness=thoroughness,
                validities=validities,
                active_reset=active_reset,
                keep_outcome=outcome_recorder(runner),
            )
            async for outcome in bring_up(bench, (one.name,), {one.name: one.routine}):
                outcomes.append(outcome)
        outcomes[0].notes[:0] = notes
    return Calibrated(tuple(outcomes))
