"""Reports a campaign of two-qubit gates: how many were found, and what is broken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean, median
from typing import Any

from rich import box
from rich.table import Table

from podium.control.campaign.pull_statistics import (
    CHANCE,
    Limits,
    broken_limits,
    chance_limits,
    statistics,
)
from podium.control.campaign.report import CampaignReport
from podium.control.facility.facility import Facility

FOUND_SHARE = 0.95
RESIDUAL_FLUX = 1e-3
"""Of a step, from 5 ns to 20 us after it, once a line is undone."""
ALLOWED = 1.5
"""The error of a gate may be so many times what the world allows."""
GOOD = 0.01
"""A gate errs by less where the world allows that."""
RMS = (0.7, 1.4)
"""Of pulls of benchmarked errors: of few, chance alone has wider limits."""
SIGMAS = 3.0
HEADINGS = (
    *("seed", "edge", "gate", "Bell state", "error", "as played", "world allows", "times", "pull"),
    *("residual flux", "varies"),
)


@dataclass(frozen=True, slots=True)
class JudgedGate:
    """Holds what one world has of the gate of one edge."""

    seed: int
    name: str
    edge: Mapping[str, Any]

    @property
    def found(self) -> bool:
        """The edge has a gate."""
        return bool(self.edge["found"])

    @property
    def error(self) -> Mapping[str, float] | None:
        """Value and sigma of its error as it was benchmarked, else of the sum of its budget."""
        found: Mapping[str, float] | None = self.edge["gate_error"] or self.edge["budget_error"]
        return found

    @property
    def played(self) -> float | None:
        """Its error as played, which the world tells."""
        found: float | None = self.edge.get("cz_played_infidelity")
        return found

    @property
    def allowed(self) -> float | None:
        """The least error that its world allows."""
        found: float | None = self.edge["cz_infidelity"]
        return found

    @property
    def times(self) -> float | None:
        """By how many times its error as played is the least one."""
        return None if self.played is None or not self.allowed else self.played / self.allowed

    @property
    def pull(self) -> float | None:
        """By how many sigmas the benchmarked error lies above that of the gate as played."""
        found = self.edge["gate_error"]
        if found is None or self.played is None:
            return None
        return (float(found["value"]) - self.played) / float(found["sigma"])

    def complaint(self) -> str:
        """Return what is wrong with its error; empty: nothing, or it is not known.

        As played, where that is known; else as found, less three sigma.
        """
        least = self.played
        said = "" if least is None else f"{least:.4f} as played"
        if least is None and self.error is not None:
            value, sigma = float(self.error["value"]), float(self.error["sigma"])
            least, said = value - SIGMAS * sigma, f"{value:.4f} ± {sigma:.4f}"
        if least is None or self.allowed is None:
            return ""
        if least <= ALLOWED * self.allowed and (least < GOOD or self.allowed >= GOOD):
            return ""
        return (
            f"seed {self.seed}: {self.name}: an error of {said}, and the world allows "
            f"{self.allowed:.4f}"
        )

    def cells(self) -> list[str]:
        """Return its cells of the table, from the second one on."""
        bell, error = self.edge["bell_fidelity"], self.error
        return [
            self.name,
            "found" if self.found else "[red]not found[/red]",
            "" if bell is None else f"{bell['value']:.4f} ± {bell['sigma']:.4f}",
            "" if error is None else f"{error['value']:.4f} ± {error['sigma']:.4f}",
            *("" if one is None else f"{one:.4f}" for one in (self.played, self.allowed)),
            "" if self.times is None else f"{self.times:.2f}",
            "" if self.pull is None else f"{self.pull:+.2f}",
        ]


def gate_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``two-qubit``."""
    worlds = sorted(results, key=lambda result: int(result["seed"]))
    table = Table(title=f"Gates of {len(worlds)} worlds", box=box.SIMPLE_HEAD)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    gates = list[JudgedGate]()
    for one in worlds:
        flux = [_most(_fluxes([one], name)) for name in ("residual_flux", "varying_flux")]
        for name, edge in one["edges"].items():
            gates.append(JudgedGate(int(one["seed"]), name, edge))
            residues = ("" if most is None else f"{most:.1e}" for most in flux)
            table.add_row(str(one["seed"]), *gates[-1].cells(), *residues)
    complaints = tuple(_complaints(worlds, gates))
    return CampaignReport(
        _content(worlds, gates) | {"complaints": complaints}, (table,), complaints
    )


def _content(worlds: Sequence[dict[str, Any]], gates: Sequence[JudgedGate]) -> dict[str, Any]:
    """Return what ``seeds.json`` has beside complaints and worlds."""
    fidelities = [
        float(one.edge["bell_fidelity"]["value"])
        for one in gates
        if one.edge["bell_fidelity"] is not None
    ]
    pulls = statistics(_known(one.pull for one in gates))
    times = _known(one.times for one in gates)
    residuals, varying = (_fluxes(worlds, name) for name in ("residual_flux", "varying_flux"))
    return {
        "edges": len(gates),
        "gates_found": sum(one.found for one in gates),
        "bell_fidelity": median(fidelities) if fidelities else None,
        "bell_fidelity_least": min(fidelities, default=None),
        "times_allowed": fmean(times) if times else None,
        "times_allowed_most": _most(times),
        "pull_mean": pulls.mean if pulls.count else None,
        "pull_rms": pulls.rms if pulls.count else None,
        "residual_flux": median(residuals) if residuals else None,
        "residual_flux_most": _most(residuals),
        "varying_flux": median(varying) if varying else None,
        "varying_flux_most": _most(varying),
        **{
            name: median([float(one[name]) for one in worlds]) if worlds else None
            for name in ("lab_s", "cpu_s", "wall_s")
        },
        "failures": [
            f"seed {one['seed']}, {failure}" for one in worlds for failure in one["failures"]
        ],
    }


def _complaints(worlds: Sequence[dict[str, Any]], gates: Sequence[JudgedGate]) -> Iterable[str]:
    """Yield what is broken."""
    for one in worlds:
        if one["distorted_lines"] and not _fluxes([one], "residual_flux"):
            yield f"seed {one['seed']}: no flux line was found"
    yield from (said for said in (one.complaint() for one in gates) if said)
    if not worlds:
        yield "no world was measured"
    found = sum(one.found for one in gates)
    if found < FOUND_SHARE * len(gates):
        yield f"{found} of {len(gates)} gates found, not {FOUND_SHARE:.0%}"
    pulls = statistics(_known(one.pull for one in gates))
    if pulls.count:
        yield from (
            f"benchmarked errors: {said}" for said in broken_limits(pulls, _limits(pulls.count))
        )
    worst = _most(_fluxes(worlds, "residual_flux"))
    if worst is not None and worst > RESIDUAL_FLUX:
        yield f"residual flux up to {worst:.1e} of a step, not {RESIDUAL_FLUX:g}"


def _limits(count: int) -> Limits:
    """Return the limits of so many pulls."""
    chance = chance_limits(count, CHANCE)
    rms = min(RMS[0], chance.rms[0]), max(RMS[1], chance.rms[1])
    return Limits(rms, chance.beyond_3, chance.worst)


def _fluxes(worlds: Iterable[Mapping[str, Any]], name: str) -> list[float]:
    """Return what is left of steps on the lines that were found."""
    return [
        float(one) for world in worlds for one in world.get(name, {}).values() if one is not None
    ]


def _known(values: Iterable[float | None]) -> list[float]:
    return [one for one in values if one is not None and isfinite(one)]


def _most(values: Sequence[float]) -> float | None:
    return max(values, default=None)
