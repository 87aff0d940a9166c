"""Rehearses procedures in a thread, and compares running ones with what was rehearsed."""

import asyncio
from collections.abc import Mapping

from podium.control.bus.cold import Rehearsal
from podium.control.bus.log import event_log
from podium.control.facility.problems import suggest
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.facility_alarms import CORRIDOR
from podium.control.supervision.observers import Observers
from podium.control.supervision.procedure_run import ProcedureRun, seconds_between
from podium.control.supervision.rehearsal import NoRehearsal, outside, rehearse

log = event_log("supervisor")


class Rehearsals:
    """Rehearsals of a facility's fridges. What was rehearsed does not outlive the process."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers
        self._corridors: dict[str, Rehearsal] = {}
        """By the id of a run."""
        self._rehearsing = asyncio.Lock()

    async def rehearse(
        self, procedure: str, fridge: str, views: Mapping[str, FridgeView]
    ) -> Rehearsal:
        """Return what a procedure would do from now on; raises ``NoRehearsal``."""
        observer = self._observers.of(fridge)
        if observer is None or fridge not in views:
            raise NoRehearsal(f"no model of a fridge {fridge!r}; {suggest(fridge, views)}")
        copy, view = observer.copy(), views[fridge]
        async with self._rehearsing:
            return await asyncio.to_thread(rehearse, procedure, copy, view)

    async def keep_corridor(self, run: ProcedureRun, views: Mapping[str, FridgeView]) -> None:
        """Rehearse a run that begins now; without a rehearsal it has no corridor."""
        try:
            self._corridors[run.id] = await self.rehearse(run.procedure, run.fridge, views)
        except (NoRehearsal, ArithmeticError, ValueError) as error:
            log.warning("no corridor", id=run.id, reason=str(error))

    def of(self, run_id: str) -> Rehearsal | None:
        """Return what was rehearsed as a run began; None: nothing was."""
        return self._corridors.get(run_id)

    def left(
        self, runs: tuple[ProcedureRun, ...], views: Mapping[str, FridgeView]
    ) -> dict[tuple[str, str], Found]:
        """Return the corridors that runs have left, as alarms have them; forget older ones."""
        on = {run.id for run in runs}
        self._corridors = {name: one for name, one in self._corridors.items() if name in on}
        found = {}
        for run in runs:
            corridor, view = self._corridors.get(run.id), views.get(run.fridge)
            if corridor is None or view is None or run.began is None:
                continue
            words = outside(corridor, seconds_between(run.began, view.tai), view)
            if words:
                found[run.fridge, CORRIDOR] = Found(True, words=f": {words[0]}")
        return found
