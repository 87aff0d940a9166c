"""Measures the world alone, and quantum links in it: rows of the table."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bench_physics
import fluxonium_spectrum
import ghz_circuit
import heralding
import joint_dynamiqs
import joint_evolution
import joint_sequences
import link_photon
import link_tomography
import numpy as np
import world_pace
from table_row import Row

REFEREES = Path(__file__).parents[1] / ".venv-referees" / "bin" / "python"
WORLD_MS = 5.0
WORLD_ERROR = 1e-6
CHEVRON_MS = {(2, False): 10.0, (2, True): 50.0, (3, False): 200.0, (3, True): 500.0}
JOINT_ERROR = 1e-6
SPECTRUM_MS = 10.0
SPECTRUM_GHZ = 1e-9
THREE_DRIVEN_S = 1.0
THREE_PUBLISHED = "qibolab's own table, laboratory frame: 299.7 s, on a GPU 22.7 s"
SEQUENCES_S = 1.0
GHZ_S, GHZ_MB = 2.0, 500.0
HERALDED = 100.0
TOMOGRAPHY_S = 3.0
TOMOGRAPHY_MB = 300.0
PHOTON_MS = {"cold": 10.0, link_photon.HOT: 50.0}
PHOTON_ERROR = 1e-5
"""Floors (ratios) and ceilings (times)."""


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
            yield _dynamiqs(joint_dynamiqs.theirs(cluster, tails=tails), ours_s, exact)
    scan = joint_evolution.three_driven()
    scan()
    spent_s, _ = joint_evolution.best_of(3, scan)
    what = "three coupled transmons of 3 levels, 200 amplitudes of 40 samples"
    asked = f"< {THREE_DRIVEN_S:g} s"
    yield Row(what, f"{spent_s:.2f} s", THREE_PUBLISHED, asked=asked, met=spent_s < THREE_DRIVEN_S)


def sequences() -> Iterator[Row]:
    """Measure two-qubit benchmarking in the world alone, with all gates known."""
    one = joint_sequences.measured()
    yield Row(
        f"two-qubit RB, {joint_sequences.RUNS} x {joint_sequences.LENGTH} Cliffords x "
        f"{joint_sequences.SHOTS:,} shots, the world alone",
        f"{one.known_s:.2f} s of the processor ({one.met_s:.2f} s the first time)",
        asked=f"< {SEQUENCES_S:g} s after the first use of each gate",
        met=one.known_s < SEQUENCES_S,
    )


def ghz() -> Iterator[Row]:
    """Measure a GHZ circuit on five coupled transmons, in a process of its own."""
    one = ghz_circuit.measured()
    yield Row(
        f"five coupled transmons, GHZ with 10 CZ, {ghz_circuit.SHOTS:,} shots",
        f"{one.ours_s:.2f} s of the processor, {one.peak_mb:.0f} MB",
        f"QuTiP mcsolve: {one.trajectory_s:.1f} s a shot, {one.trajectories} measured",
        one.trajectory_s * ghz_circuit.SHOTS / one.ours_s,
        f"< {GHZ_S:g} s, < {GHZ_MB:g} MB",
        one.ours_s < GHZ_S and one.peak_mb < GHZ_MB,
    )


def spectrum() -> Iterator[Row]:
    """Measure a fluxonium's spectrum over a flux quantum, of a circuit not met before."""
    one = fluxonium_spectrum.measured()
    yield Row(
        f"fluxonium spectrum, {fluxonium_spectrum.FLUXES.size} fluxes, "
        f"{fluxonium_spectrum.LEVELS} levels",
        f"{1e3 * one.ours_s:.1f} ms of the processor ({1e3 * one.again_s:.1f} ms again), "
        f"{one.apart_ghz:.0e} GHz apart",
        f"scqubits: {one.theirs_s:.2f} s",
        one.theirs_s / one.ours_s,
        f"< {SPECTRUM_MS:g} ms, {SPECTRUM_GHZ:g} GHz",
        1e3 * one.ours_s < SPECTRUM_MS and one.apart_ghz < SPECTRUM_GHZ,
    )


def photon() -> Iterator[Row]:
    """Measure a new pulse of a quantum link, with and without thermal photons."""
    for one in link_photon.measured():
        asked_ms = PHOTON_MS[one.name]
        yield Row(
            f"new photon of a link, 600 ns, {one.name}, {one.states} states",
            f"{1e3 * one.wall_s:.1f} ms, of the processor {1e3 * one.ours_s:.1f} ms, "
            f"error {one.ours_error:.0e}",
            f"QuTiP mesolve, adams: {1e3 * one.theirs_s:.0f} ms, error {one.theirs_error:.0e}",
            one.theirs_s / one.ours_s,
            f"< {asked_ms:g} ms, error < {PHOTON_ERROR:g}",
            1e3 * one.wall_s < asked_ms and one.ours_error < PHOTON_ERROR,
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


def _dynamiqs(
    found: "joint_dynamiqs.Solved | str",
    ours_s: float,
    exact: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
) -> Row:
    if isinstance(found, str):
        return Row("", "", f"dynamiqs: {found}")
    off = float(np.max(np.abs(found.populations - exact)))
    peer = (
        f"dynamiqs {found.version} mesolve, Dopri8: {1e3 * found.seconds:.0f} ms, error {off:.0e}"
        f" (the first call, which compiles: {found.first_s:.0f} s)"
    )
    return Row("", "", peer, found.seconds / ours_s)


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
