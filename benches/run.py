"""All benchmarks in one run, as ratios against the peers: ``make bench``.

Every ratio has both of its sides measured here, one after the other, on this machine. The exit
status is 1 when a floor is missed. ``--without demo`` and the like leave parts out, ``--only
compile`` and the like all others; ``--markdown`` prints lines of ``docs/reference/benchmarks.md``.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import armed_starts
import bench_compile
import bench_compile_zurich
import bench_physics
import bench_q1
import bench_zurich_sequencer
import big_facility
import clops
import cold_readings
import facility_copy
import feedback
import feedback_shfqc
import first_run
import heralding
import joint_evolution
import lab_time
import link_photon
import link_tomography
import numpy as np
import observer_step
import one_line_twin
import one_start
import overhead
import page_ages
import page_parts
import processor_time
import queue_news
import records
import round_trip
import round_trip_zurich
import split_world
import t1_memory
import twenty_instruments
import world_pace
import zurich_server

REFEREES = Path(__file__).parents[1] / ".venv-referees" / "bin" / "python"
WORLD_MS, WORLD_ERROR = 5.0, 1e-6
RABI, DEMO, HELP_S, CHECK_S = 20.0, 5.0, 0.2, 2.0
FIRST_PAGE_S, PAGE_AGE_S = 5.0, 1.0
WRITE_MS, WRITE_P99_MS, SEARCH_MS, GET_MS, PLAN_MS = 5.0, 20.0, 50.0, 1.0, 20.0
FIRST_SCREEN_S, PAGE_KB, CHANGE_KB, NEWS_AGE_S = 0.3, 120.0, 3.0, 0.3
OBSERVER_MS = 1.0
TWENTY, OVERHEAD_MS, PROTOCOL_MS = 5.0, 15.0, 10.0
ROUND_TRIP = 1.5
IN_TIME = 0.999
CPU_RATIO = 5.0
FIRST_ANSWER_S, FIRST_ANSWER_MB, FRESH_WORLD_S = 1.0, 250.0, 0.3
BENCH_BOX_S = 0.3
LAYERS_PER_S, HOST_MS = 200_000.0, 0.5
SPLIT = 1.6
READING_AGE_S, READINGS_PER_S, SUPERVISOR_MB = 2.0, 5000.0, 300.0
T1_RATIO, T1_MB = 60.0, 350.0
FIRST_RUN, COPY_S = 1.2, 1.0
CHEVRON_MS = {(2, False): 10.0, (2, True): 50.0, (3, False): 200.0, (3, True): 500.0}
JOINT_ERROR, THREE_DRIVEN_S = 1e-6, 1.0
HERALDED = 100.0
TOMOGRAPHY_S, TOMOGRAPHY_MB = 3.0, 300.0
PHOTON_MS, PHOTON_ERROR = {"cold": 10.0, link_photon.HOT: 50.0}, 1e-5
"""Floors (ratios) and ceilings (times)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    asked: str = ""
    """What is wanted, empty where nothing is."""
    met: bool = True


def world() -> Iterator[Row]:
    """Measure a Rabi scan, 51 points of 40 samples, 3 levels, T1 and T2: the world alone."""
    qubit = bench_physics.qubit_point("node.q0", 6.0e9, 7.2e9, 3)
    exact_s, exact = bench_physics.best_of(2, bench_physics.theirs(qubit, "exact"))
    scan = bench_physics.ours(qubit)
    scan()
    ours_s, found = bench_physics.best_of(50, scan)
    error = float(np.max(np.abs(found - exact)))
    yield Row(
        "Rabi scan of the world, 51 x 40 samples",
        f"{1e3 * ours_s:.2f} ms, error {error:.0e}",
        asked=f"< {WORLD_MS:g} ms, error < {WORLD_ERROR:g}",
        met=1e3 * ours_s < WORLD_MS and error < WORLD_ERROR,
    )
    for method in ("adams", "vern7"):
        theirs_s, solved = bench_physics.best_of(2, bench_physics.theirs(qubit, method))
        off = float(np.max(np.abs(solved - exact)))
        peer = f"QuTiP mesolve, {method}: {1e3 * theirs_s:.0f} ms, error {off:.0e}"
        yield Row("", "", peer, theirs_s / ours_s)
    one_each = f"QuTiP, an exponential each sample: {1e3 * exact_s:.0f} ms"
    yield Row("", "", one_each, exact_s / ours_s)
    yield _qibolab(ours_s, exact)
    for qubits, asked in world_pace.ASKED.items():
        pace = world_pace.pace(qubits)
        yield Row(
            f"T1 scan of the world, {world_pace.POINTS} x {world_pace.SHOTS} shots, "
            f"qubits: {qubits}",
            f"{pace:.0f} laboratory s for one of a core",
            asked=f">= {asked:g}",
            met=pace >= asked,
        )


def joint() -> Iterator[Row]:
    """Measure chevrons of two transmons, with a coupler too, and three transmons under a drive."""
    for cluster in (joint_evolution.two(), joint_evolution.with_coupler()):
        for tails in (False, True):
            scan = joint_evolution.chevron(cluster, tails=tails)
            scan()
            ours_s, found = joint_evolution.best_of(20, scan)
            theirs_s = joint_evolution.theirs(cluster, tails=tails)
            exact = joint_evolution.judged(cluster, tails=tails)
            error = float(np.max(np.abs(found[joint_evolution.SOLVED[1]] - exact)))
            asked_ms = CHEVRON_MS[len(cluster.elements), tails]
            yield Row(
                f"CZ chevron, 41 x 41, {len(cluster.elements)} elements of 3 levels, "
                + ("four exponentials" if tails else "rectangular"),
                f"{1e3 * ours_s:.1f} ms, error {error:.0e}",
                f"QuTiP mesolve, vern7: {1e3 * theirs_s:.0f} ms",
                theirs_s / ours_s,
                f"< {asked_ms:g} ms, error < {JOINT_ERROR:g}",
                1e3 * ours_s < asked_ms and error < JOINT_ERROR,
            )
    scan = joint_evolution.three_driven()
    scan()
    spent_s, _ = joint_evolution.best_of(3, scan)
    what = "three coupled transmons of 3 levels, 200 amplitudes of 40 samples"
    asked = f"< {THREE_DRIVEN_S:g} s"
    yield Row(what, f"{spent_s:.2f} s", asked=asked, met=spent_s < THREE_DRIVEN_S)


def photon() -> Iterator[Row]:
    """Measure a new pulse of a quantum link, with and without thermal photons."""
    for one in link_photon.measured():
        asked_ms = PHOTON_MS[one.name]
        yield Row(
            f"new photon of a link, 600 ns, {one.name}, {one.states} states",
            f"{1e3 * one.ours_s:.1f} ms of the processor, error {one.ours_error:.0e}",
            f"QuTiP mesolve, adams: {1e3 * one.theirs_s:.0f} ms, error {one.theirs_error:.0e}",
            one.theirs_s / one.ours_s,
            f"< {asked_ms:g} ms, error < {PHOTON_ERROR:g}",
            1e3 * one.ours_s < asked_ms and one.ours_error < PHOTON_ERROR,
        )


def tomography() -> Iterator[Row]:
    """Measure a Bell pair's tomography over a link: the world alone, of all that it takes."""
    spent_s, grown_mb = link_tomography.measured()
    yield Row(
        f"Bell tomography over a link, {len(link_tomography.SETTINGS)} x "
        f"{link_tomography.SHOTS:,} shots, the world alone",
        f"{spent_s:.2f} s of the processor, {grown_mb:.0f} MB",
        asked=f"< {TOMOGRAPHY_S:g} s, < {TOMOGRAPHY_MB:g} MB, end to end",
        met=spent_s < TOMOGRAPHY_S and grown_mb < TOMOGRAPHY_MB,
    )


def heralded() -> Iterator[Row]:
    """Measure attempts at a two-click herald station."""
    ours, peer = heralding.ours(), heralding.theirs()
    what = f"{heralding.ATTEMPTS:,} attempts of a two-click link"
    if isinstance(peer, str):
        yield Row(what, f"{ours:,.0f} attempts/s", f"SeQUeNCe 1.3.1: {peer}")
        return
    yield Row(
        what,
        f"{ours:,.0f} attempts/s",
        f"SeQUeNCe 1.3.1: {peer:,.0f} attempts/s",
        ours / peer,
        f"> {HERALDED:g}",
        ours > HERALDED * peer,
    )


def _qibolab(ours_s: float, exact: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Row:
    if not REFEREES.exists():
        return Row(
            "", "", f"qibolab emulator: not measured, {REFEREES.parents[1].name} is not there"
        )
    shape = bench_physics.envelope()
    problem = {
        "levels": 3,
        "f01_hz": 6.0e9,
        "anharmonicity_hz": bench_physics.ANHARMONICITY_HZ,
        "t1_s": bench_physics.T1_S,
        "t2_s": bench_physics.T2_S,
        "rabi_hz": bench_physics.RABI,
        "envelope_i": shape.real.tolist(),
        "envelope_q": shape.imag.tolist(),
        "amplitudes": bench_physics.amplitudes(shape).tolist(),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.json"
        file.write_text(json.dumps(problem))
        words = [str(REFEREES), str(Path(__file__).with_name("qibolab_scan.py")), str(file)]
        ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Row("", "", f"qibolab emulator: not measured: {last}")
    said = json.loads(ended.stdout.splitlines()[-1])
    off = float(np.max(np.abs(np.array(said["populations"]) - exact)))
    peer = f"qibolab {said['version']} emulator: {1e3 * said['seconds']:.0f} ms, off by {off:.0e}"
    return Row("", "", peer, said["seconds"] / ours_s)


def q1() -> Iterator[Row]:
    """Measure instructions per second of the Q1 emulator."""
    for name, body in bench_q1.PROGRAMS.items():
        # As many instructions an iteration as ours counts.
        setup = bench_q1.SequencerSetup(
            waveform_lengths={0: 20, 1: 20}, acquisition_bins={0: 8}, readout=True, sync=True
        )
        program = bench_q1.assemble(bench_q1.loop(body, 1000))
        counted = bench_q1.run_alone(
            bench_q1.Q1Processor(program, setup), triggers=[bench_q1.Trigger(10, 1)]
        )
        rate, peer = bench_q1.ours(body), bench_q1.theirs(body, counted.instructions // 1000)
        yield Row(
            f"Q1 loop of {name}",
            f"{rate / 1e6:.1f} M/s",
            f"q1simulator: {peer / 1e6:.2f} M/s",
            rate / peer,
            f"> {bench_q1.FLOOR}",
            rate > bench_q1.FLOOR * peer,
        )


def zurich_sequencer() -> Iterator[Row]:
    """Measure instructions per second of the emulator of Zurich Instruments' sequencers."""
    for name, body in bench_zurich_sequencer.PROGRAMS.items():
        rate, peer = bench_zurich_sequencer.ours(body), bench_zurich_sequencer.theirs(body)
        yield Row(
            f"Zurich Instruments loop of {name}",
            f"{rate / 1e6:.0f} M/s",
            f"plain Python: {peer / 1e6:.2f} M/s",
            rate / peer,
            f"> {bench_zurich_sequencer.FLOOR / 1e6:.0f} M/s",
            rate > bench_zurich_sequencer.FLOOR,
        )


def compiling() -> Iterator[Row]:
    """Measure compiling, against the compilers of others."""
    yield from _compiled(bench_compile.measure())


def compiling_zurich() -> Iterator[Row]:
    """Measure compiling for Zurich Instruments, against the compiler of their own framework."""
    yield from _compiled(bench_compile_zurich.measure())


def _compiled(measured: Iterable[bench_compile.Measured]) -> Iterator[Row]:
    for what, seconds, asked_s, peers in measured:
        met = asked_s is None or seconds < asked_s
        asked = "" if asked_s is None else f"< {1e3 * asked_s:g} ms"
        yield Row(what, f"{1e3 * seconds:.2f} ms", asked=asked, met=met)
        for peer, floor in peers:
            ratio = None if peer.seconds is None else peer.seconds / seconds
            asked = f"> {floor:g}" if floor else ""
            yield Row("", "", str(peer), ratio, asked, not floor or (ratio or floor) >= floor)


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


def demo() -> Iterator[Row]:
    """Measure the whole demo."""
    pace, failures = lab_time.demo_pace()
    told = f", {failures} failures" if failures else ""
    laboratory = f"the laboratory: {pace.lab_s:.0f} s"
    what = "podium demo --node-only, from the world to the report"
    took = f"{pace.wall_s:.0f} s{told}"
    yield Row(what, took, laboratory, pace.ratio, f"> {DEMO:g}", pace.ratio > DEMO)


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


def page() -> Iterator[Row]:
    """Measure how soon the page is there, and how old news is on it."""
    ages = page_ages.measure()
    what = "podium up, to the first page"
    met = ages.first_page_s < FIRST_PAGE_S
    yield Row(what, f"{ages.first_page_s:.1f} s", asked=f"< {FIRST_PAGE_S:g} s", met=met)
    what = f"age of news, {page_ages.PAGES} pages open, while runs go on"
    told = f"p50 {ages.p50_s:.2f} s, p99 {ages.p99_s:.2f} s"
    yield Row(what, told, asked=f"p99 < {PAGE_AGE_S:g} s", met=ages.p99_s < PAGE_AGE_S)


def recorded() -> Iterator[Row]:
    """Measure durable runs, searches among 100,000 of them, and a parameter among a million."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = records.written(folder, 300)
        found = records.searched(folder, 100_000)
        got = records.got(folder, 1_000_000)
    ours, theirs, bare = kept["podium_ms"], kept["qcodes_ms"], kept["bare_disk_ms"]
    spent = kept["podium_processor_ms"]["p50"], kept["qcodes_processor_ms"]["p50"]
    yield Row(
        "a run of 100 kB, durable",
        f"p50 {ours['p50']:.1f} ms, p99 {ours['p99']:.1f}; processor {spent[0]:.1f} ms",
        f"QCoDeS: p50 {theirs['p50']:.1f} ms, p99 {theirs['p99']:.1f}; processor {spent[1]:.1f} ms",
        theirs["p50"] / ours["p50"],
        f"p50 < {WRITE_MS:g} ms, p99 < {WRITE_P99_MS:g} ms",
        ours["p50"] < WRITE_MS and ours["p99"] < WRITE_P99_MS,
    )
    yield Row("", "", f"the bare disk: p50 {bare['p50']:.1f} ms, p99 {bare['p99']:.1f}")
    slowest = max(found, key=lambda name: found[name][0])
    dearest = max(spent_ms for _, spent_ms in found.values())
    each = kept["qcodes_listing_processor_ms_each"]["p50"]
    yield Row(
        f"{len(found)} searches among 100,000 runs, the slowest: {slowest}",
        f"{found[slowest][0]:.1f} ms; processor at most {dearest:.1f} ms",
        f"QCoDeS, a listing: {each:.2f} ms of the processor for each run that there is",
        asked=f"< {SEARCH_MS:g} ms",
        met=found[slowest][0] < SEARCH_MS,
    )
    told = f"p50 {got['p50']:.2f} ms, p99 {got['p99']:.2f}"
    what = "a parameter among a million entries"
    yield Row(what, told, asked=f"< {GET_MS:g} ms", met=got["p50"] < GET_MS)


def queued() -> Iterator[Row]:
    """Measure a plan of a thousand works on ten nodes, and how old its news is."""
    took = queue_news.planning_ms()
    what = f"a plan of {queue_news.WORKS:,} works on {queue_news.NODES} nodes"
    p50 = float(np.median(took))
    told, asked = f"{p50:.1f} ms of the processor", f"< {PLAN_MS:g} ms"
    yield Row(what, told, asked=asked, met=p50 < PLAN_MS)
    with tempfile.TemporaryDirectory() as folder:
        ages = asyncio.run(queue_news.news_ages(Path(folder), 15.0))
    for name, each in ages.items():
        p50, p99 = (float(one) for one in np.percentile(each, [50, 99]))
        what = f"age of news of {name}, {queue_news.VIEWERS} viewers"
        told, asked = f"p50 {p50:.3f} s, p99 {p99:.3f} s", f"p99 < {NEWS_AGE_S:g} s"
        yield Row(what, told, asked=asked, met=p99 < NEWS_AGE_S)


def parts_of_the_page() -> Iterator[Row]:
    """Measure what pages of ten nodes weigh, and the first screen of 100,000 recorded runs."""
    found = asyncio.run(page_parts.measure(100_000))
    weights = {page: size for page, size in found.page_kb.items() if size}
    heaviest = max(weights, key=weights.__getitem__)
    what = f"ten nodes, {found.parameters} parameters: the heaviest page, {heaviest}"
    told, asked = f"{weights[heaviest]:.0f} kB", f"< {PAGE_KB:g} kB"
    yield Row(what, told, asked=asked, met=weights[heaviest] < PAGE_KB)
    what = f"  a change of one parameter, to each of {page_parts.VIEWERS} viewers"
    told, asked = f"{found.change_kb:.2f} kB", f"< {CHANGE_KB:g} kB"
    yield Row(what, told, asked=asked, met=found.change_kb < CHANGE_KB)
    slowest = max(found.first_screen_s, key=found.first_screen_s.__getitem__)
    took_s = found.first_screen_s[slowest]
    what = f"first screen of 100,000 runs, the slowest search: {slowest}"
    asked, met = f"< {FIRST_SCREEN_S:g} s", took_s < FIRST_SCREEN_S
    yield Row(what, f"{took_s:.2f} s", asked=asked, met=met)


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


AGAINST = "PODIUM_AGAINST"
"""Environment: an older checkout to compare processor times with (``--against``)."""


def processor() -> Iterator[Row]:
    """Measure the processor time of all processes of the demos."""
    older = os.environ.get(AGAINST)
    for demo, what in (
        ("cluster", "processor time, one node on a cluster"),
        ("zi", "processor time, one node on an SHFQC"),
        ("two", "processor time, two nodes"),
    ):
        against = None if older is None else Path(older).resolve()
        ours, theirs = processor_time.side_by_side(against, demo, 1.0, 0, 1)
        largest = sorted(ours.by_process.items(), key=lambda item: -item[1])[:3]
        by_process = ", ".join(f"{who} {cpu_s:.0f} s" for who, cpu_s in largest)
        if theirs is None:
            yield Row(what, f"{ours.cpu_s:.0f} s", by_process, met=ours.found)
            continue
        ratio = theirs.cpu_s / ours.cpu_s
        peer = f"{older}: {theirs.cpu_s:.0f} s"
        asked, met = f">= {CPU_RATIO:g}", ratio >= CPU_RATIO and ours.found
        yield Row(what, f"{ours.cpu_s:.0f} s", peer, ratio, asked, met)


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "help": command,
    "check": check,
    "world": world,
    "joint": joint,
    "photon": photon,
    "link_tomography": tomography,
    "heralded": heralded,
    "q1": q1,
    "zurich_sequencer": zurich_sequencer,
    "compile": compiling,
    "compile_zurich": compiling_zurich,
    "rabi": rabi,
    "t1_memory": memory,
    "first_run": first,
    "copies": copies,
    "trips": trips,
    "feedback": resetting,
    "demo": demo,
    "page": page,
    "parts": parts_of_the_page,
    "records": recorded,
    "queue": queued,
    "twenty": twenty,
    "readings": readings,
    "observer": observer,
    "overhead": over,
    "clops": updates,
    "split": split,
    "zurich_server": zurich,
    "one_line": one_line,
    "lead": lead,  # before those that give this process short slices of time for good
    "starts": starts,
    "processor": processor,
}


def line(row: Row) -> str:
    """Return one line of the table."""
    ratio = (
        "" if row.ratio is None else f"{row.ratio:,.1f}" if row.ratio < 100 else f"{row.ratio:,.0f}"
    )
    verdict = "" if not row.asked else f"{row.asked}{'' if row.met else '   MISSED'}"
    return f"{row.what:<54} {row.ours:<24} {row.peer:<52} {ratio:>7}   {verdict}".rstrip()


def cells(row: Row) -> str:
    """Return one line of the table as the page of the benchmarks has it."""
    ratio = "" if row.ratio is None else f"{row.ratio:.{2 if row.ratio < 10 else 0}f}"
    asked = row.asked if row.met else f"{row.asked}, missed"
    words = (row.what.strip(), row.ours, row.peer, ratio, asked)
    return "| " + " | ".join(words).replace("  ", " ") + " |"


def main() -> int:
    """Print the table, row by row as they come; 1 when something asked for was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", choices=PARTS, default=[])
    parser.add_argument("--only", action="append", choices=PARTS, default=[])
    parser.add_argument("--markdown", action="store_true", help="lines of the page's table")
    parser.add_argument("--against", help="an older checkout, for the part processor")
    given = parser.parse_args()
    if given.against is not None:
        os.environ[AGAINST] = given.against
    left_out = set(given.without) | (PARTS.keys() - given.only if given.only else set())
    written = cells if given.markdown else line
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, load {load:.1f}"
    )
    print(f"{'what':<54} {'Podium':<24} {'peer':<52} {'ratio':>7}   asked")
    missed = False
    for name, measure in PARTS.items():
        for row in measure() if name not in left_out else ():
            print(written(row), flush=True)
            missed = missed or not row.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
