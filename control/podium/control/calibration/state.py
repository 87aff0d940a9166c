"""Stores a fit's prior knowledge with its data: refits need nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from podium.control.parameters.entry import ParameterEntry

if TYPE_CHECKING:
    import xarray

ATTRIBUTE = "calibration_state"
"""Of a dataset: the JSON text."""

_OF_ENTRIES = tuple(one.name for one in fields(ParameterEntry))
_entry_values = attrgetter(*_OF_ENTRIES)
"""For each run of a node; ``dataclasses.asdict`` took a millisecond of it."""

Told = Mapping[str, Mapping[str, float]]
"""What a routine tells of a run beside its program: by word, by element."""


class NoState(LookupError):
    """Data that do not carry what their fit knew; they cannot be refitted."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """Of one run of a routine."""

    routine: str
    node: str
    qubits: tuple[str, ...]
    """That the routine was asked to work on, by full name."""
    runs_before: tuple[str, ...]
    """Ids of the runs that the routine had made before this one."""
    thoroughness: float
    told: Told
    parameters: tuple[ParameterEntry, ...]
    """All of the node's that were good enough to be used when the program was laid out."""
    active_reset: bool = False
    """Whether qubits were measured and flipped, as soon as their results could be told."""

    def to_json(self) -> str:
        """Return the text; numbers come back to the bit."""
        plain: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        plain["parameters"] = [
            dict(zip(_OF_ENTRIES, _entry_values(entry), strict=True)) for entry in self.parameters
        ]
        return json.dumps(plain)

    @classmethod
    def of(cls, data: "xarray.Dataset") -> "CalibrationState":
        """Return the state stored with ``data``; raises :class:`NoState`."""
        run = data.attrs.get("run", "this run")
        if ATTRIBUTE not in data.attrs:
            raise NoState(
                f"the data of {run} do not carry what their fit knew: they were not measured by "
                "a calibration routine, or by one of an older Podium"
            )
        try:
            plain: dict[str, Any] = json.loads(str(data.attrs[ATTRIBUTE]))
            plain["parameters"] = tuple(ParameterEntry(**one) for one in plain["parameters"])
            plain["qubits"] = tuple(plain["qubits"])
            plain["runs_before"] = tuple(plain["runs_before"])
            return cls(**plain)
        except (ValueError, TypeError, KeyError) as error:
            raise NoState(f"the state stored with the data of {run} cannot be read: {error}") from (
                error
            )


def told(data: "xarray.Dataset", word: str) -> dict[str, float]:
    """Return what the routine told of this run under ``word``, by element."""
    return dict(CalibrationState.of(data).told[word])
