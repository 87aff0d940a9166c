"""Replays stored data in the place of a facility, for the unchanged routine."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from podium.control.calibration.state import CalibrationState
from podium.control.facility.facility import Facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Capture, Program, walk
from podium.control.program.serialise import to_json
from podium.control.runs.errors import RunRefused
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

    from podium.control.bus.mixers import MixerFound


class NoMoreData(RunRefused):
    """The routine asks for a run that was not made when the data were measured."""


class ReplayRunner:
    """A :class:`~podium.control.calibration.runner.Runner` that answers from stored datasets.

    Each run is answered by the next dataset, whatever the program; before that, ``record`` is
    set to what was known when it was measured. A capture that was not made is all NaN, which
    every fit refuses.
    """

    def __init__(
        self, facility: Facility, datasets: Sequence["xarray.Dataset"], record: MemoryRecord
    ) -> None:
        self._facility = facility
        self._datasets = tuple(datasets)
        self._record = record
        self._next = 0
        self.notes: list[str] = []
        """Where the refit departs from what was played."""
        record.replace(CalibrationState.of(datasets[0]).parameters)

    @property
    def facility(self) -> Facility:
        """Return the facility as its file was then."""
        return self._facility

    @property
    def left(self) -> int:
        """Return the number of datasets that have not been asked for."""
        return len(self._datasets) - self._next

    async def run(self, program: Program) -> "xarray.Dataset":
        """Return the next dataset; raises :class:`NoMoreData` after the last one."""
        if self.left == 0:
            raise NoMoreData(
                f"the routine would now run {program.name!r} once more, which was not done then"
            )
        data = self._datasets[self._next].copy()
        self._next += 1
        self._record.replace(CalibrationState.of(data).parameters)
        played = data.attrs.get("program_json")
        if played is not None and played != to_json(program):
            self.notes.append(
                f"run {data.attrs['run']} would now be laid out otherwise; its data are as they are"
            )
        return _filled(data, program)

    async def bias(self, volts: Mapping[str, float]) -> None:
        """Do nothing: the biases are those of then."""

    async def calibrate_mixers(self, ports: Sequence[str]) -> "Mapping[str, MixerFound]":
        """Do nothing: the mixers were set as they were then."""
        return {}

    async def read(self, instrument: str, channel: str) -> float:
        """Refuse: nothing is there to be read."""
        raise RunRefused(f"{instrument}.{channel} cannot be read: this is a refit of stored data")

    async def now(self) -> Tai:
        """Return when the latest dataset that was asked for was measured."""
        data = self._datasets[max(0, self._next - 1)]
        return Tai.from_fs(round(float(data.attrs["started_tai_s"]) * FS_PER_S))


class _Nothing:
    """A capture that was not made."""

    out_of_range = False
    clicks = False

    def __init__(self, shape: tuple[int, ...], trace: bool) -> None:
        self.i = self.q = np.full(shape, np.nan)
        self.counts = np.zeros(shape, np.int64)
        self.results = None
        self.trace_i = self.trace_q = np.full(1, np.nan) if trace else None


def _filled(data: "xarray.Dataset", program: Program) -> "xarray.Dataset":
    """Return ``data`` with NaN for the captures of ``program`` that it does not have."""
    names = [one.name for _, one in walk(program.body) if isinstance(one, Capture)]
    missing = [n for n in names if f"{n}_i" not in data and f"{n}_clicks" not in data]
    if not missing:
        return data
    shape = tuple(axis.variables[0].values.count for axis in program.axes)
    shots = (program.shots,) if program.keep_shots else ()
    empty = {name: _Nothing((*shots, *shape), program.trace) for name in missing}
    filler = dataset_of(program, empty, {})
    for name, variable in filler.variables.items():
        if name in data or not any(str(name).startswith(f"{one}_") for one in missing):
            continue
        if any(data.sizes.get(d, n) != n for d, n in filler[name].sizes.items()):
            raise NoMoreData(f"run {data.attrs['run']} did not measure {', '.join(missing)}")
        data[name] = variable
    return data.set_coords([name for name in filler.coords if name in data])
