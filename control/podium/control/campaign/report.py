"""Writes ``seeds.json`` and tables of a campaign."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from rich import box
from rich.table import Table

from podium.control.campaign.null_values import all_guesses
from podium.control.campaign.pull_statistics import PullStatistics, campaign_false_alarm
from podium.control.campaign.repeatability import (
    Repeatability,
    TwoScans,
    repeatability,
    series_of,
    two_scans,
)
from podium.control.campaign.shared_start import broken_start
from podium.control.campaign.windows import (
    FOUND_SHARE,
    QuantityVerdict,
    found_share,
    judge_campaign,
    judge_nulls,
)
from podium.control.campaign.world_record import WorldRecord, from_json
from podium.control.facility.facility import Facility
from podium.control.parameters.quantities import BY_NAME, alone


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign's results, judged."""

    content: dict[str, Any]
    """Of ``seeds.json``, without the worlds themselves."""
    tables: tuple[Table, ...]
    complaints: tuple[str, ...]
    """What is broken; empty: every window is kept."""
    svg: str | None = None


def bring_up_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``bring-up``."""
    from podium.control.campaign.picture import picture

    records = [from_json(one) for one in results]
    guesses = all_guesses(facility, records)
    verdicts = judge_campaign(records, guesses)
    nulls = judge_nulls(records, guesses)
    scans = two_scans(records)
    found, qubits = found_share(records)
    passed = {
        null: [one.quantity for one in judged if not one.broken] for null, judged in nulls.items()
    }
    complaints = [f"{one.quantity}: {said}" for one in verdicts for said in one.broken]
    complaints += [
        f"{one.routine}, {one.quantity}, twice: {s}" for one in scans for s in one.broken
    ]
    complaints += [
        f"{quantity}: {null} passes its window"
        for null, some in passed.items()
        for quantity in some
    ]
    complaints += [
        f"seed {one.seed}: {said}" for one in records for said in broken_start(one.together)
    ]
    if not records:
        complaints.append("no world was measured")
    if found < FOUND_SHARE * qubits:
        complaints.append(f"{found} of {qubits} qubits found, not {FOUND_SHARE:.0%}")
    content = {
        "qubits": qubits,
        "qubits_found": found,
        "lab_s": _median([one.lab_s for one in records]),
        "cpu_s": _median([one.cpu_s for one in records]),
        "wall_s": _median([one.wall_s for one in records]),
        "lab_s_by_routine": _medians(records),
        "quantities": {one.quantity: _verdict(one) for one in verdicts},
        "two_scans": [
            {"routine": one.routine, "quantity": one.quantity, **_pulls(one.differences)}
            | {"broken": list(one.broken)}
            for one in scans
        ],
        "nulls": {
            null: {one.quantity: list(one.broken) for one in judged}
            for null, judged in nulls.items()
        },
        "guesses": {name: asdict(one) for name, one in guesses.items()},
        "complaints": complaints,
    }
    rows = [row for record in records for row in record.recoveries]
    tables = (pull_table(verdicts, len(records)), scan_table(scans))
    svg = picture(verdicts, rows) if verdicts else None
    return CampaignReport(content, tables, tuple(complaints), svg)


def repeatability_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``repeatability``."""
    table = repeatability(series_of(results))
    complaints = tuple(
        f"{one.routine} {one.nth}, {one.quantity}: {said}" for one in table for said in one.broken
    )
    content = {
        "rows": [_finite(asdict(one)) for one in table],
        "failures": [
            f"seed {result['seed']}, repetition {one['number']}, {step['routine']} {who}: {why}"
            for result in results
            for one in result["repetitions"]
            for step in one["steps"]
            for who, why in step["failures"].items()
        ],
        "complaints": list(complaints),
    }
    return CampaignReport(content, (repeat_table(table),), complaints)


def pull_table(verdicts: Iterable[QuantityVerdict], worlds: int) -> Table:
    """Return the pulls of every quantity, for a terminal."""
    table = Table(title=f"Pulls over {worlds} worlds", box=box.SIMPLE_HEAD)
    table.add_column("quantity", no_wrap=True)
    for heading in ("n", "rms", "mean", "in 3 σ", "worst", "median σ", "σ / spread"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("window")
    for one in verdicts:
        pulls = one.pulls
        table.add_row(
            one.quantity,
            str(pulls.count),
            f"{pulls.rms:.2f}",
            f"{pulls.mean:+.2f}",
            f"{pulls.in_3:.1%}",
            f"{pulls.worst:+.2f}",
            alone(one.median_sigma, one.unit, percent=BY_NAME[one.quantity].percent),
            f"{one.sigma_of_spread:.2g}",
            _mark(one.broken),
        )
    return table


def scan_table(scans: Iterable[TwoScans]) -> Table:
    """Return how two scans in one bring-up agree, for a terminal."""
    table = Table(title="Two scans in one bring-up, difference over its sigma", box=box.SIMPLE_HEAD)
    for heading in ("routine", "quantity", "n", "rms", "worst", "window"):
        table.add_column(heading)
    for one in scans:
        table.add_row(
            one.routine,
            one.quantity,
            str(one.differences.count),
            f"{one.differences.rms:.2f}",
            f"{one.differences.worst:+.2f}",
            _mark(one.broken),
        )
    return table


def repeat_table(rows: Iterable[Repeatability]) -> Table:
    """Return how each routine repeats each quantity, for a terminal."""
    table = Table(title="Repetitions in one world, in σ", box=box.SIMPLE_HEAD)
    for heading in ("routine", "quantity"):
        table.add_column(heading, no_wrap=True)
    for heading in ("free", "scatter", "starts", "offset", "σ / value"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("window", no_wrap=True)
    for one in rows:
        table.add_row(
            f"{one.routine} {one.nth}",
            one.quantity,
            str(one.freedom),
            f"{one.scatter:.2f}",
            f"{one.starts:.2f}",
            f"{one.offset:.2f}",
            f"{one.relative_sigma:.1e}",
            _mark(one.broken) if one.judged else "",
        )
    return table


def _mark(broken: Sequence[str]) -> str:
    """Return one word; what is broken is said below the tables."""
    return "[red]broken[/red]" if broken else "[green]kept[/green]"


def _verdict(one: QuantityVerdict) -> dict[str, Any]:
    return {
        "unit": one.unit,
        **_pulls(one.pulls),
        **_finite(
            {
                "median_sigma": one.median_sigma,
                "spread": one.spread,
                "spread_source": one.spread_source,
                "sigma_of_spread": one.sigma_of_spread,
            }
        ),
        "false_alarm": campaign_false_alarm(one.pulls.count) if one.pulls.count else None,
        "broken": list(one.broken),
    }


def _pulls(found: PullStatistics) -> dict[str, Any]:
    return _finite(
        {
            "n": found.count,
            "rms_pull": found.rms,
            "mean_pull": found.mean,
            "in_3": found.in_3,
            "worst_pull": found.worst,
        }
    )


def _finite(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content with null for what is no finite number: JSON knows no other."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in content.items()
    }


def _medians(records: Sequence[WorldRecord]) -> dict[str, float]:
    names = dict.fromkeys(name for record in records for name in record.lab_s_by_routine)
    return {
        name: _median([record.lab_s_by_routine.get(name, 0.0) for record in records])
        for name in names
    }


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
