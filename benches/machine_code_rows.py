"""Measures emulators of sequencers and compilers: rows of the table."""

from collections.abc import Iterable, Iterator

import bench_compile
import bench_compile_zurich
import bench_q1
import bench_zurich_sequencer
from table_row import Row


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
