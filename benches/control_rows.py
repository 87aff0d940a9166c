"""Measures the processes of control, without a world: rows of the table."""

import asyncio
from collections.abc import Iterator

import armed_starts
import big_facility
import clops
import cold_readings
import lab_time
import numpy as np
import observer_step
import one_start
import overhead
import twenty_instruments
from table_row import Row

HELP_S = 0.2
CHECK_S = 2.0
OBSERVER_MS = 1.0
TWENTY = 5.0
OVERHEAD_MS = 15.0
PROTOCOL_MS = 10.0
IN_TIME = 0.999
LAYERS_PER_S = 200_000.0
HOST_MS = 0.5
READING_AGE_S = 2.0
READINGS_PER_S = 5000.0
SUPERVISOR_MB = 300.0
"""Floors (ratios) and ceilings (times)."""


def command() -> Iterator[Row]:
    """Measure how long the command line takes to say what it can."""
    seconds = lab_time.help_s()
    yield Row("podium --help", f"{seconds:.2f} s", asked=f"< {HELP_S:g} s", met=seconds < HELP_S)


def check() -> Iterator[Row]:
    """Measure how long checking a facility of a thousand instruments takes."""
    text = big_facility.big_facility(big_facility.INSTRUMENTS)
    seconds = big_facility.check_s(text)
    lines = text.count("\n")
    what = f"podium check, {big_facility.INSTRUMENTS} instruments, {lines} lines"
    yield Row(what, f"{seconds:.2f} s", asked=f"< {CHECK_S:g} s", met=seconds < CHECK_S)


def twenty() -> Iterator[Row]:
    """Measure connecting to twenty instruments, and a snapshot of them."""
    floor, number = f"> {TWENTY:g}", len(twenty_instruments.MODELS)
    late = f"{1e3 * twenty_instruments.DELAY_S:g} ms"
    cases = (
        ("answers at once", 0.0, False),
        (f"{late} an answer", twenty_instruments.DELAY_S, False),
        (f"{late} a query", twenty_instruments.DELAY_S, True),
    )
    for words, delay_s, each_query in cases:
        ours, theirs = twenty_instruments.measure(delay_s, each_query)
        for what, mine, other in (
            ("connect", ours.connect_s, theirs.connect_s),
            ("snapshot of", ours.snapshot_s, theirs.snapshot_s),
        ):
            connecting = what == "connect"
            if connecting and each_query:
                continue  # no message of it has two
            asked = floor if connecting or delay_s else ""
            counts = ("", "") if connecting else (f", {ours.values}", f", {theirs.values} values")
            yield Row(
                f"{what} {number} instruments, {words}",
                f"{mine:.3f} s{counts[0]}",
                f"QCoDeS in series: {other:.2f} s{counts[1]}",
                other / mine,
                asked,
                not asked or other > TWENTY * mine,
            )
    yield Row("  again, nothing touched", f"{ours.again_s:.4f} s")


def readings() -> Iterator[Row]:
    """Measure how old readings are that a supervisor has of three hundred instruments."""
    seen = cold_readings.measure()
    few = cold_readings.HANGING + cold_readings.DEAD
    yield Row(
        f"age of readings, {cold_readings.INSTRUMENTS} instruments, {few} hang or are dead",
        f"p50 {seen.p50_s:.2f} s, p99 {seen.p99_s:.2f} s; {seen.readings_per_s:.0f} readings/s",
        asked=f"p99 < {READING_AGE_S:g} s, > {READINGS_PER_S:g} readings/s, none stale shown good",
        met=seen.p99_s < READING_AGE_S
        and seen.readings_per_s > READINGS_PER_S
        and not seen.stale_shown_good
        and not seen.missing,
    )
    yield Row(
        "  their supervisor",
        f"{seen.cores:.2f} cores, {seen.megabytes:.0f} MB",
        asked=f"< 1 core, < {SUPERVISOR_MB:g} MB",
        met=seen.cores < 1 and seen.megabytes < SUPERVISOR_MB,
    )


def observer() -> Iterator[Row]:
    """Measure what the observer of a fridge takes for a step."""
    found = observer_step.measure()
    yield Row(
        "step of a fridge's observer, of one core",
        f"p50 {found.p50_ms:.2f} ms, p99 {found.p99_ms:.2f} ms",
        asked=f"p50 < {OBSERVER_MS:g} ms",
        met=found.p50_ms < OBSERVER_MS,
    )


def over() -> Iterator[Row]:
    """Measure what a run costs beyond the driver."""
    for between_processes, way in ((False, "one process"), (True, "podium up")):
        for changing, program in ((False, "repeated"), (True, "changed")):
            found = overhead.measure(between_processes=between_processes, changing=changing)
            added_ms = found.added_ms(50)
            direct, ours = (1e3 * float(np.median(s)) for s in (found.direct_s, found.ours_s))
            compiling = f", {1e3 * found.compile_s:.1f} of it compiling" if changing else ""
            yield Row(
                f"run beyond its driver, {way}, {program}",
                f"p50 {added_ms:.1f}, p99 {found.added_ms(99):.1f} ms",
                f"driver alone: {direct:.1f} ms, run: {ours:.1f} ms{compiling}",
                asked=f"p50 < {OVERHEAD_MS:g} ms",
                met=added_ms < OVERHEAD_MS,
            )


def updates() -> Iterator[Row]:
    """Measure the CLOPS protocol: a prepared program fired with new numbers."""
    at_once_ms, used_ms = clops.measure_instant()
    yield Row(
        "fire of a prepared program with 200 numbers, instrument answers at once",
        f"p50 {at_once_ms:.2f} ms",
        f"processor {used_ms:.2f} ms; client, coordinator, agent, thread of the driver",
        asked=f"< {HOST_MS:g} ms",
        met=at_once_ms < HOST_MS,
    )
    for between_processes, way in ((False, "one process"), (True, "podium up")):
        found = clops.measure_prompt(between_processes=between_processes)
        yield Row(
            f"CLOPS protocol, five qubits, facility time, {way}",
            f"{found.layers_per_s:,.0f} layers/s",
            f"an update: p50 {found.update_ms:.2f} ms, of it played {found.played_ms:.2f}; "
            f"processor: control {found.control_ms:.2f}, instrument {found.instrument_ms:.2f} ms",
            asked=f"> {LAYERS_PER_S:,.0f}",
            met=found.layers_per_s > LAYERS_PER_S,
        )
        yield Row(
            "  host, driver and wire for each update",
            f"p50 {found.host_ms:.2f} ms",
            "beyond what is played",
            asked=f"< {HOST_MS:g} ms",
            met=found.host_ms < HOST_MS,
        )
        on_twin = clops.measure_twin(between_processes=between_processes)
        yield Row(
            "  on the twin, over the wall",
            f"{on_twin.layers_per_s:,.0f} layers/s",
            f"an update: p50 {on_twin.update_ms:.0f} ms",
        )


def starts() -> Iterator[Row]:
    """Measure what a start at one time costs, beyond the lead that it waits."""
    one, *more = one_start.costs()
    for cost in (one, *more):
        armed, protocol, whole = (
            1e3 * float(np.median(times)) for times in (cost.armed_s, cost.protocol_s, cost.run_s)
        )
        few = cost.agents <= 2
        yield Row(
            f"start protocol beyond its lead, agents: {cost.agents}",
            f"p50 {protocol:.1f} ms",
            f"PREPARE, ARM {armed:.1f} ms, run {whole:.1f} ms, processor {1e3 * cost.cpu_s:.1f} ms",
            asked=f"< {PROTOCOL_MS:g} ms" if few else "",
            met=not few or protocol < PROTOCOL_MS,
        )
    first = float(np.median(one.armed_s))
    for cost in more:
        times = float(np.median(cost.armed_s)) / first
        yield Row(
            f"PREPARE and ARM, {cost.agents} agents over one",
            f"{times:.1f} times",
            asked=f"<= {cost.agents} times",
            met=times <= cost.agents,
        )


def lead() -> Iterator[Row]:
    """Measure whether FIRE is in time beside busy processes, and how the lead adapts."""
    found = asyncio.run(armed_starts.measure())
    p50, p99, p999, longest = found.deliveries_ms(0.5, 0.99, 0.999, 1.0)
    asked_ms, share = armed_starts.ASKED_MS, found.share_at(armed_starts.ASKED_MS)
    count, busy = len(found.in_time), armed_starts.BUSY
    yield Row(
        f"{count} armed starts beside {busy} busy, lead {asked_ms:g} ms",
        f"in time {100 * share:.2f} %",
        f"FIRE p50 {p50:.1f}, p99 {p99:.1f}, p99.9 {p999:.1f}, longest {longest:.1f} ms",
        asked=f">= {100 * IN_TIME:g} %",
        met=share >= IN_TIME,
    )
    shortest, middle, highest = np.quantile(found.lead_ms, (0, 0.5, 1))
    yield Row(
        "  with the lead as it adapted",
        f"in time {100 * found.share:.2f} %",
        f"lead {shortest:.1f} to {highest:.1f} ms, p50 {middle:.1f} ms",
        asked=f">= {100 * IN_TIME:g} %",
        met=found.share >= IN_TIME,
    )
