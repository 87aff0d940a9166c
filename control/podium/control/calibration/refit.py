"""Fits stored data once more, with the knowledge of when they were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import ROUTINES, VALIDITY, needs_of
from podium.control.calibration.declaration import Routine
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.replay import NoMoreData, ReplayRunner
from podium.control.calibration.state import CalibrationState, NoState
from podium.control.calibration.target import Target
from podium.control.facility.facility import Facility, Qubit
from podium.control.parameters.entry import NotMeasured, ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.validity import Validities
from podium.control.records.datasets import SUFFIX, load_dataset

if TYPE_CHECKING:
    import xarray

AGELESS = Validities(VALIDITY, dict.fromkeys(VALIDITY, inf))
"""What was too old then is not in the state; what is in it was good enough."""


class NoRun(LookupError):
    """The data of a run are not where they were looked for."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """Holds a refit's results. Nothing has been stored."""

    outcome: Outcome
    state: CalibrationState
    """Stored with the first of the data."""
    entries: tuple[ParameterEntry, ...]
    """The parameters found, with the run and the time of their data."""


def runs_of(run: str, folder: Path) -> tuple["xarray.Dataset", ...]:
    """Return the data of ``run`` and of all others that its routine made with it, in order.

    Raises :class:`NoRun`, :class:`~podium.control.calibration.state.NoState`, OSError.
    """
    path = folder / f"{run}{SUFFIX}"
    if not path.exists():
        known = sorted(one.stem for one in folder.glob(f"*{SUFFIX}"))
        there = f"it has {known[0]} ... {known[-1]}" if known else "it has no data"
        raise NoRun(f"no data of run {run} in {folder}; {there}")
    last = load_dataset(path)
    earlier = CalibrationState.of(last).runs_before
    # Later ones name this one among those before them; ids go up with time, but for two that were
    # asked for at once.
    own = (run, *earlier)
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    for other in paths[max(0, paths.index(path) - 1) :]:
        if other.stem in own:
            continue
        data = load_dataset(other)
        try:
            before = CalibrationState.of(data).runs_before
        except NoState:
            before = ()  # of another routine
        if run in before:
            last, earlier = max((last, earlier), (data, before), key=lambda one: len(one[1]))
        elif other.stem > run:
            break
    return (*(_data(one, folder, run) for one in earlier), last)


def _data(run: str, folder: Path, wanted_by: str) -> "xarray.Dataset":
    path = folder / f"{run}{SUFFIX}"
    if not path.exists():
        raise NoRun(f"run {wanted_by} needs run {run} of the same routine, not in {folder}")
    return load_dataset(path)


async def refit(
    datasets: Sequence["xarray.Dataset"],
    facility: Facility,
    routines: Mapping[str, Routine] = ROUTINES,
) -> Refit:
    """Let the routine that measured ``datasets`` fit them; they are those of one call of it.

    Needs neither the facility nor the parameter store. Raises
    :class:`~podium.control.calibration.state.NoState` for data that cannot be refitted.
    """
    state = CalibrationState.of(datasets[0])
    routine = routines.get(state.routine)
    known: Mapping[str, Target] = {**facility.qubits(), **facility.edges()}
    gone = [name for name in state.qubits if name not in known]
    if routine is None or gone:
        raise NoState(
            f"the data are of {state.routine!r} on {', '.join(state.qubits)}; "
            + (
                f"{facility.name} has no {', '.join(gone)}"
                if gone
                else "no routine is called so; if it is your own, name its file"
            )
        )
    qubits = tuple(known[name] for name in state.qubits)
    missing: dict[str, str] = {}
    while True:
        record = MemoryRecord()
        runner = ReplayRunner(facility, datasets, record)
        bench = Bench(
            runner,
            state.node,
            tuple(one for one in qubits if isinstance(one, Qubit)),
            record,
            keep=lambda _: None,
            thoroughness=state.thoroughness,
            validities=AGELESS,
            active_reset=state.active_reset,
        )
        await bench.begin(needs_of(state.routine), qubits)
        try:
            outcome = await routine(bench, qubits)
        except NoMoreData as error:
            if bench.latest is None:
                raise
            outcome = bench.latest
            outcome.notes.append(str(error))
        except NotMeasured as error:
            without = tuple(q for q in qubits if not error.name.startswith(f"{q.name}."))
            if len(without) == len(qubits) or not without:
                raise NoState(f"the state stored with the data is not enough: {error}") from error
            missing |= {q.name: str(error) for q in qubits if q not in without}
            qubits = without
            continue
        break
    outcome.failures |= missing
    outcome.notes += runner.notes
    if runner.left:
        outcome.notes.append(f"{runner.left} of the runs made then were not asked for this time")
    found = (record.get(name) for name in outcome.measured)
    return Refit(outcome, state, tuple(entry for entry in found if entry is not None))
