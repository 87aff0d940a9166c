"""Records a world of a campaign: values beside the truth, and their cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any


@dataclass(frozen=True, slots=True)
class Recovery:
    """A listed parameter of a world: what was found, and the hidden truth."""

    name: str
    """``node_a.q0.f01``."""
    value: float
    """In :attr:`unit`; NaN: not found."""
    sigma: float
    """NaN: not found."""
    unit: str
    truth: float
    """NaN: the world reported none."""

    @property
    def qubit(self) -> str:
        """The qubit's full name, ``node_a.q0``."""
        return self.name.rpartition(".")[0]

    @property
    def quantity(self) -> str:
        """The last word of the name, ``f01``."""
        return self.name.rpartition(".")[2]

    @property
    def found(self) -> bool:
        """A value with a sigma above zero was stored."""
        return isfinite(self.value) and isfinite(self.sigma) and self.sigma > 0

    @property
    def pull(self) -> float:
        """(value - truth) / sigma; NaN where one of them is missing."""
        return (self.value - self.truth) / self.sigma if self.found else nan


@dataclass(frozen=True, slots=True)
class Scan:
    """One measurement of a parameter by one routine; a bring-up makes some of them twice."""

    routine: str
    name: str
    value: float
    sigma: float


@dataclass(frozen=True, slots=True)
class WorldRecord:
    """Records one bring-up of one hidden world, and its cost."""

    seed: int
    options: tuple[str, ...]
    """Words of ``podium demo`` beside seed, facility and report."""
    facility: str
    facility_digest: str
    """SHA-256 of the facility file."""
    version: str
    commit: str
    """As ``git describe`` says it; empty: not run from a checkout."""
    qubits: Mapping[str, bool]
    """By full name: all of its listed parameters were found."""
    recoveries: tuple[Recovery, ...]
    scans: tuple[Scan, ...]
    """In the order of the work."""
    failures: tuple[str, ...]
    lab_s: float
    lab_s_by_routine: Mapping[str, float]
    cpu_s: float
    """Processor time of all processes of the world, s."""
    wall_s: float
    together: Mapping[str, Any] = field(default_factory=dict)
    """``skew`` and ``fault`` of ``summary.json``; empty: nodes did not start together."""


def to_json(record: WorldRecord) -> dict[str, Any]:
    """Return the record as a line of the results file has it; NaN becomes null."""
    return {
        "seed": record.seed,
        "options": list(record.options),
        "facility": record.facility,
        "facility_digest": record.facility_digest,
        "version": record.version,
        "commit": record.commit,
        "qubits": dict(record.qubits),
        "parameters": {
            one.name: {
                "value": _number(one.value),
                "sigma": _number(one.sigma),
                "unit": one.unit,
                "truth": _number(one.truth),
                "pull": _number(one.pull),
            }
            for one in record.recoveries
        },
        "scans": [
            {"routine": one.routine, "name": one.name, "value": one.value, "sigma": one.sigma}
            for one in record.scans
        ],
        "failures": list(record.failures),
        "lab_s": record.lab_s,
        "lab_s_by_routine": dict(record.lab_s_by_routine),
        "cpu_s": record.cpu_s,
        "wall_s": record.wall_s,
        "together": dict(record.together),
    }


def from_json(content: Mapping[str, Any]) -> WorldRecord:
    """Return the record of a line; raises KeyError, TypeError or ValueError for another line."""
    return WorldRecord(
        seed=int(content["seed"]),
        options=tuple(content["options"]),
        facility=str(content["facility"]),
        facility_digest=str(content["facility_digest"]),
        version=str(content["version"]),
        commit=str(content["commit"]),
        qubits={str(name): bool(found) for name, found in content["qubits"].items()},
        recoveries=tuple(
            Recovery(
                name,
                _float(one["value"]),
                _float(one["sigma"]),
                str(one["unit"]),
                _float(one["truth"]),
            )
            for name, one in content["parameters"].items()
        ),
        scans=tuple(
            Scan(str(one["routine"]), str(one["name"]), float(one["value"]), float(one["sigma"]))
            for one in content["scans"]
        ),
        failures=tuple(content["failures"]),
        lab_s=float(content["lab_s"]),
        lab_s_by_routine={str(n): float(s) for n, s in content["lab_s_by_routine"].items()},
        cpu_s=float(content["cpu_s"]),
        wall_s=float(content["wall_s"]),
        together=content["together"],
    )


def by_quantity(records: Iterable[WorldRecord]) -> dict[str, tuple[Recovery, ...]]:
    """Return all recoveries of all worlds, by quantity."""
    listed: dict[str, list[Recovery]] = {}
    for record in records:
        for one in record.recoveries:
            listed.setdefault(one.quantity, []).append(one)
    return {quantity: tuple(rows) for quantity, rows in listed.items()}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _float(value: float | None) -> float:
    return nan if value is None else float(value)
