"""Measures twins behind their sockets: rows of the table."""

from collections.abc import Iterator

import facility_copy
import feedback
import feedback_shfqc
import first_run
import lab_time
import link_bell
import numpy as np
import one_line_twin
import round_trip
import round_trip_zurich
import split_world
import t1_memory
import zurich_server
from table_row import Row

RABI = 20.0
ROUND_TRIP = 1.5
FIRST_ANSWER_S = 1.0
FIRST_ANSWER_MB = 250.0
FRESH_WORLD_S = 0.3
BENCH_BOX_S = 0.3
SPLIT = 1.6
T1_RATIO = 60.0
T1_MB = 350.0
FIRST_RUN = 1.2
COPY_S = 1.0
BELL_S, BELL_MB = 3.0, 300.0
"""Floors (ratios) and ceilings (times)."""


def rabi() -> Iterator[Row]:
    """Measure a Rabi scan of three qubits over sockets, through server and driver."""
    first, best = lab_time.rabi_pace()
    what = f"Rabi {lab_time.POINTS} x {lab_time.SHOTS} shots, 3 qubits, passive reset"
    for name, pace, asked in ((what, best, f"> {RABI:g}"), ("  the very first", first, "")):
        yield Row(
            name,
            f"{pace.wall_s:.2f} s",
            f"the laboratory: {pace.lab_s:.1f} s",
            pace.ratio,
            asked,
            not asked or pace.ratio > RABI,
        )


def memory() -> Iterator[Row]:
    """Measure a long T1 scan of three qubits through the wire: its pace, and its twin's memory."""
    scan = t1_memory.measure()
    yield Row(
        f"T1 {t1_memory.POINTS} x {t1_memory.SHOTS} shots, 3 qubits, passive reset",
        f"{scan.wall_s:.1f} s, twin {scan.cpu_s:.1f} s",
        f"the laboratory: {scan.lab_s:.1f} s",
        scan.ratio,
        f">= {T1_RATIO:g}",
        scan.ratio >= T1_RATIO,
    )
    yield Row(
        "  memory of its twin",
        f"{scan.before_mb:.0f} MB, then {scan.peak_mb:.0f} MB",
        asked=f"<= {T1_MB:g} MB",
        met=scan.peak_mb <= T1_MB,
    )


def first() -> Iterator[Row]:
    """Measure the first run of twins that say they are ready, over the next ones."""
    found = first_run.measure()
    yield Row(
        f"first run after `twin serve` is ready, T1 {first_run.SHOTS} shots",
        f"{1e3 * found.first_s:.0f} ms, twin {1e3 * found.first_cpu_s:.0f} ms",
        f"the next ones: {1e3 * found.next_s:.0f} ms, twin {1e3 * found.next_cpu_s:.0f} ms",
        found.ratio,
        f"<= {FIRST_RUN:g} times",
        found.ratio <= FIRST_RUN,
    )


def copies() -> Iterator[Row]:
    """Measure how long a running facility takes to be saved, and to be forked."""
    saves, forks, count = facility_copy.measure()
    for what, spans in (("save", saves), ("fork", forks)):
        median_s = float(np.median(spans))
        yield Row(
            f"{what} a running facility, instruments: {count}",
            f"p50 {1e3 * median_s:.0f} ms, at most {1e3 * max(spans):.0f} ms",
            asked=f"< {COPY_S:g} s",
            met=median_s < COPY_S,
        )


def split() -> Iterator[Row]:
    """Measure ten nodes that play at once: their twins in one process, and in parts."""
    one, parts = split_world.measure(()), split_world.measure(("--split",))
    ratio = one.wall_s / parts.wall_s
    yield Row(
        "ten nodes play at once, their twins in parts",
        f"{parts.wall_s:.1f} s, {parts.memory_mb:.0f} MB",
        f"twins in one process: {one.wall_s:.1f} s, {one.memory_mb:.0f} MB",
        ratio,
        f"> {SPLIT:g}",
        ratio > SPLIT,
    )
    cpu = f"{parts.twins_cpu_s:.1f} s"
    yield Row("  their processor time", cpu, f"in one process: {one.twins_cpu_s:.1f} s")


def trips() -> Iterator[Row]:
    """Measure upload, run and fetch, against the same bytes sent by a client of a few lines."""
    found = round_trip.measure()
    ours, bare = (1e3 * float(np.median(times)) for times in (found.ours_s, found.bare_s))
    yield Row(
        f"upload, run, fetch, {round_trip.SEQUENCERS} sequencers, over loopback",
        f"{ours:.1f} ms, {found.ratio:.2f} times",
        f"bare protocol, {found.messages} messages: {bare:.1f} ms",
        1 / found.ratio,
        f"<= {ROUND_TRIP:g} times",
        found.ratio <= ROUND_TRIP,
    )
    for one in round_trip_zurich.measure():
        ours, bare = (1e3 * float(np.median(times)) for times in (one.ours_s, one.bare_s))
        yield Row(
            f"Zurich Instruments: {one.what}",
            f"{ours:.2f} ms, {one.ratio:.2f} times",
            f"the vendor's client alone, {one.requests} requests: {bare:.2f} ms",
            1 / one.ratio,
        )


def resetting() -> Iterator[Row]:
    """Measure shots of active reset, of which there is no peer."""
    feedback.shots_a_second(20)
    kinds = (
        ("active reset on a chip of one qubit, two readings each", 1, False),
        ("active reset of three qubits at once, two readings each", 3, False),
        ("reading until a 1 is found, six times at most", 1, True),
    )
    for what, qubits, until in kinds:
        rate = feedback.shots_a_second(feedback.SHOTS, qubits, until=until)
        yield Row(what, f"{rate:.0f} shots/s")
    rate = feedback_shfqc.shots_a_second(feedback_shfqc.SHOTS)
    yield Row("active reset on an SHFQC, two readings each", f"{rate:.0f} shots/s")


def zurich() -> Iterator[Row]:
    """Measure the simulated data server of Zurich Instruments over its socket."""
    found = zurich_server.measure()
    floor, ceiling = zurich_server.GETS_PER_S, zurich_server.TRANSACTION_MS
    yield Row(
        "data server, get, 200 on their way",
        f"{found.gets_per_s:,.0f} /s",
        f"singly {found.one_by_one_per_s:,.0f} /s, zhinst {found.vendor_gets_per_s:,.0f} /s; "
        f"server's work {1e6 * found.work_s:.0f} us",
        asked=f">= {floor:,} /s",
        met=found.gets_per_s >= floor,
    )
    for who, seconds in (
        ("pycapnp", found.transaction_s),
        ("zhinst", found.vendor_transaction_s),
    ):
        yield Row(
            f"  transaction of {zurich_server.NODES} nodes, {who}",
            f"{1e3 * seconds:.1f} ms",
            asked=f"< {ceiling:g} ms",
            met=1e3 * seconds < ceiling,
        )
    yield from _beside_the_mock()
    memory_mb, most = found.memory_bytes / 1e6, zurich_server.MEMORY_MB
    what = f"  memory of {len(zurich_server.DEVICES)} instruments"
    yield Row(what, f"{memory_mb:.0f} MB", asked=f"< {most:g} MB", met=memory_mb < most)


def _beside_the_mock() -> Iterator[Row]:
    """Measure the vendor's client on our server and on its vendor's mock."""
    both = zurich_server.beside_the_mock()
    if both is None:
        yield Row("  zhinst on the vendor's mock", "", "no labone: make referees")
        return
    ours, mock = both
    for what, one, other in (
        ("get", ours.gets_per_s, mock.gets_per_s),
        ("set", ours.sets_per_s, mock.sets_per_s),
        (
            f"transaction of {zurich_server.NODES} nodes",
            1 / ours.transaction_s,
            1 / mock.transaction_s,
        ),
    ):
        yield Row(
            f"  zhinst, {what}",
            f"{one:,.0f} /s",
            f"the vendor's mock: {other:,.0f} /s",
            one / other,
            "> 1",
            one >= other,
        )
    yield Row(
        "  zhinst, list of 48 nodes by a wildcard",
        f"{1e3 * ours.list_s:.2f} ms",
        f"the vendor's mock, which has few others: {1e3 * mock.list_s:.2f} ms",
        mock.list_s / ours.list_s,
    )


def one_line() -> Iterator[Row]:
    """Measure twins for tests: a virtual cluster with a chip of three qubits."""
    one_line_twin.first_answer()  # draws the world, which is cached then
    best = min((one_line_twin.first_answer() for _ in range(3)), key=lambda one: one.wall_s)
    yield Row(
        "virtual cluster: from the command to `*IDN?`",
        f"{best.wall_s:.2f} s, {best.cpu_s:.2f} s of CPU, {best.memory_mb:.0f} MB",
        asked=f"< {FIRST_ANSWER_S:g} s, < {FIRST_ANSWER_MB:g} MB",
        met=best.wall_s < FIRST_ANSWER_S and best.memory_mb < FIRST_ANSWER_MB,
    )
    bench = min(
        (one_line_twin.first_answer(one_line_twin.BENCH) for _ in range(3)),
        key=lambda one: one.cpu_s,
    )
    yield Row(
        "box on a bench: from the command to `*IDN?`",
        f"{bench.wall_s:.2f} s, {bench.cpu_s:.2f} s of CPU, {bench.memory_mb:.0f} MB",
        asked=f"< {BENCH_BOX_S:g} s of CPU",
        met=bench.cpu_s < BENCH_BOX_S,
    )
    worlds = one_line_twin.fresh_worlds_s()
    yield Row(
        "the same in a test, with a fresh world",
        f"p50 {1e3 * worlds[len(worlds) // 2]:.0f} ms, at most {1e3 * worlds[-1]:.0f} ms",
        asked=f"< {1e3 * FRESH_WORLD_S:g} ms",
        met=worlds[-1] < FRESH_WORLD_S,
    )
    took_s, memory_mb = one_line_twin.at_once()
    yield Row(
        f"{one_line_twin.AT_ONCE} of them at once, {one_line_twin.AT_ONCE} worlds",
        f"{took_s:.1f} s, {memory_mb:.0f} MB",
    )


def bell() -> Iterator[Row]:
    """Measure the tomography of a Bell pair over a link, from a program to the state."""
    found = link_bell.measure()
    yield Row(
        f"Bell tomography over a link, {len(link_bell.SETTINGS)} x {link_bell.SHOTS:,} shots",
        f"{found.wall_s:.1f} s, processor time {found.cpu_s:.1f} s",
        asked=f"< {BELL_S:g} s",
        met=found.wall_s < BELL_S,
    )
    yield Row(
        "  memory of the twins, beyond one node's",
        f"{found.grown_mb:.0f} MB",
        asked=f"< {BELL_MB:g} MB",
        met=found.grown_mb < BELL_MB,
    )
