"""Gives a prepared program in hand: compiled once, fired with other numbers each time."""

import asyncio
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.messages import CaptureData, roundings_to_json
from podium.control.bus.prepared_programs import ProgramPrepared
from podium.control.bus.prepared_requests import PrepareProgram
from podium.control.client.coordinator_client import CoordinatorClient
from podium.control.client.direct_fires import Fires
from podium.control.program.dataset import dataset_of
from podium.control.program.parameters import (
    WHOLE_BELOW,
    NoSuchParameter,
    check_values,
    parameters_of,
    value_in,
)
from podium.control.program.program import Delay, Program, parameter_in, walk
from podium.control.program.serialise import to_json
from podium.control.records.snapshots import name_in
from podium.control.runs.errors import RunRefused
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

VALUES = np.dtype("<f8")
"""How values go over the bus."""


@dataclass(frozen=True, slots=True, eq=False)
class FiredData:
    """Holds the data of one fire. ``fired["q0"]`` is the mean field of a capture, V."""

    run: str
    """Its id."""
    started: Tai
    """The facility's clock just before the start."""
    parameters: Mapping[str, float]
    """All of the program, with the values that were fired."""
    captures: Mapping[str, CaptureData]
    """By name; arrays of the shape ([shots,] *axes)."""
    _of: "PreparedProgram"

    def __getitem__(self, capture: str) -> NDArray[np.complex128]:
        """Return I + iQ of a capture, V at the input connector; shape ([shots,] *axes)."""
        one = self.captures[capture]
        return np.asarray(one.i + 1j * one.q, np.complex128)

    def dataset(self) -> "xarray.Dataset":
        """Return it as ``lab.run`` does; it takes some ms, so it is not made before.

        Attributes of what was prepared, beside those of the run: ``program_json`` has the values as
        prepared, ``parameters`` (JSON) those that were fired, ``quantised`` the steps to which
        values are rounded and the largest error as prepared, ``snapshot`` how instruments were set
        when it was prepared.
        """
        return self._of.dataset_of(self)


class PreparedProgram:
    """A program that its agent holds; made by ``lab.prepare``.

    It can be fired as long as agent and coordinator live and no clock of it is reset, whatever else
    is played in between. Nothing has to be closed.
    """

    def __init__(
        self,
        client: CoordinatorClient,
        program: Program,
        text: str,
        known: ProgramPrepared,
        facility: str,
        by: str,
    ) -> None:
        self._fires = Fires(client, known.id)
        self._program = program
        self._text = text
        self._known = known
        self._facility = facility
        self._by = by
        self._parameters = parameters_of(program)
        self._names = list(self._parameters)
        self._at = {name: k for k, name in enumerate(self._parameters)}
        self._values = np.array(list(self._parameters.values()), VALUES)
        self._pack = struct.Struct(f"<{len(self._names)}d").pack
        self._delays = frozenset(
            one.name
            for _, statement in walk(program.body)
            if isinstance(statement, Delay)
            and (value := value_in(statement)) is not None
            and (one := parameter_in(value)) is not None
        )

    @property
    def program(self) -> Program:
        """Return the program as it was prepared."""
        return self._program

    @property
    def parameters(self) -> Mapping[str, float]:
        """Return its parameters, with the values that are fired where no others are given."""
        return dict(self._parameters)

    @property
    def duration_fs(self) -> int:
        """Return how long it plays with the values that it was prepared with."""
        return self._known.duration_fs

    async def fire(self, values: Mapping[str, float] | None = None, /, **named: float) -> FiredData:
        """Play it once with these values of its parameters, and return the data.

        ``values``: by name, for names that are no Python words; those that are not named are as
        prepared. They have the unit of the place where the parameter stands: 1 for an amplitude,
        turns, Hz, and whole femtoseconds. It waits for its turn as a run does. Raises ``RunError``:
        ``RunRefused``, and nothing was played, for a name or number that does not fit, a fridge
        that is not cold, a clock that was reset, an agent or a coordinator that was started anew
        since. Cancelled, it returns once the run has been given up and outputs are safe.
        """
        new = {**values, **named} if values else named
        in_order = list(new) == self._names
        run, played = await self._fires.fire(self._packed(new, in_order=in_order))
        started = Tai(played.started.tai_s, played.started.tai_fs)
        fired = dict(new) if in_order else {**self._parameters, **new}
        return FiredData(str(run), started, fired, played.captures, self)

    def _packed(self, new: Mapping[str, float], *, in_order: bool) -> bytes:
        """Return the values of all parameters in their order, as they go over the bus.

        ``in_order``: all of them are given, in this order. Raises ``RunRefused``.
        """
        given = new.values()
        if in_order and set(map(type, given)) == {float} and math.isfinite(sum(given)):
            self._check_delays(new)
            return self._pack(*given)
        try:
            check_values(self._program.name, self._at, new)
        except NoSuchParameter as error:
            raise RunRefused(str(error)) from error
        for name, value in new.items():
            if abs(value) == math.inf:
                raise RunRefused(f"parameter {name!r} is given {value!r}, which is no number")
        self._check_delays(new)
        array = self._values.copy()
        array[[self._at[name] for name in new]] = np.fromiter(given, VALUES, len(new))
        return array.tobytes()

    def _check_delays(self, new: Mapping[str, float]) -> None:
        for name in self._delays:
            if name in new and ((value := new[name]) % 1 or abs(value) >= WHOLE_BELOW):
                raise RunRefused(
                    f"parameter {name!r} = {value!r} is a time, in femtoseconds, and no whole "
                    "number of them"
                )

    def dataset_of(self, fired: FiredData) -> "xarray.Dataset":
        """Return data of a fire as a dataset, see :meth:`FiredData.dataset`."""
        known, started = self._known, fired.started
        attributes: dict[str, str | int | float] = {
            "run": fired.run,
            "by": self._by,
            "program": self._program.name,
            "program_json": self._text,
            "program_hash": known.program_hash,
            "parameters": json.dumps(dict(fired.parameters)),
            "facility": self._facility,
            "facility_hash": known.facility_hash,
            "epoch": max(known.epochs.values(), default=0),
            "epochs": json.dumps(dict(known.epochs)),
            "started_tai_s": started.seconds + started.femtoseconds * 1e-15,
            "started_tai": str(started),
            "quantised": roundings_to_json(known.quantised),
        }
        data = dataset_of(self._program, fired.captures, attributes)
        name_in(data, known.snapshot)
        return data


async def prepare(
    client: CoordinatorClient, program: Program, facility: str, by: str
) -> PreparedProgram:
    """Have ``program`` held by its agent; raises ``RunError``."""
    text = await asyncio.to_thread(to_json, program)
    known = await client.work(PrepareProgram(text), ProgramPrepared)
    return PreparedProgram(client, program, text, known, facility, by)
