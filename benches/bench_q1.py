"""Emulated Q1 instructions per second, against q1simulator (MIT, TU Delft), in one run.

``python benches/bench_q1.py`` prints one line for each program: our rate, theirs, the ratio. Each
side executes every iteration, queue and hazards included; the best of some repetitions counts.
"""

import contextlib
import io
import logging
import sys
import time
import types
from collections.abc import Callable

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_alone
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)

PROGRAMS = {
    "nop": "nop\nnop\nnop\nnop",
    "wait": "wait 100",
    "set_awg_gain, play": "set_awg_gain R1,R2\nplay 0,1,100",
    "mixed": """
        add          R1,3,R1
        set_cond     1,1,0,20
        asr          R1,2,R2
        and          R1,7,R3
        set_awg_gain R2,R2
        play         0,1,200
        set_cond     0,0,0,4
        cmp          R3,4
        jb           @over
        xor          R2,R1,R4
    over: acquire    0,R3,1000
        wait         1000""",
}
FLOOR = 150
"""Times q1simulator."""
REPETITIONS = 3
OUR_REPETITIONS = 20
"""Ours take milliseconds: something else on the machine is more easily all there is of one."""
OUR_ITERATIONS = 1_000_000
THEIR_ITERATIONS = 10_000


def loop(body: str, iterations: int) -> str:
    """Return a program that runs through ``body`` a number of times."""
    return (
        f"wait_sync 1000\nset_latch_en 1,4\nmove {iterations},R0\nnop\n"
        f"again: nop\n{body}\nsub R0,1,R0\njnz @again\nstop\n"
    )


def ours(body: str) -> float:
    """Return our instructions per second."""
    setup = SequencerSetup(
        waveform_lengths={0: 20, 1: 20}, acquisition_bins={0: 8}, readout=True, sync=True
    )
    processor = Q1Processor(assemble(loop(body, OUR_ITERATIONS)), setup)
    triggers = [Trigger(10, 1)]
    run_alone(processor, triggers=triggers)
    instructions = 0

    def run() -> None:
        nonlocal instructions
        trace = run_alone(processor, triggers=triggers)
        assert all("UNDERFLOW" in flag for flag in trace.flags), trace.flags
        instructions = trace.instructions

    return 1 / (best(run) / instructions)


def theirs(body: str, per_iteration: int) -> float:
    """Return q1simulator's instructions per second: its core run directly, nothing rendered."""
    gui = types.ModuleType("q1simulator.gui.program_browser")
    gui.Q1ProgramBrowser = object  # type: ignore[attr-defined]
    sys.modules.setdefault(gui.__name__, gui)  # else it opens a window system
    from q1simulator.event_distributor import EventDistributor
    from q1simulator.q1core import Q1Core
    from q1simulator.rt_renderer import Renderer

    def run() -> None:
        events = EventDistributor()
        renderer = Renderer("sequencer", events)
        renderer.max_render_time = 0
        renderer.set_waveforms({0: [0.0] * 20, 1: [0.0] * 20})
        renderer.set_acquisitions({0: 8})
        events.set_sequencer_sync_en("sequencer", True)
        core = Q1Core("sequencer", renderer, True, events, isa_version=2)
        renderer.reset()
        events.arm_sequencer("sequencer", True)
        events._sequencer_queue["sequencer"].add_trigger(10, 1, 1)
        core.load(loop(body, THEIR_ITERATIONS))
        events.start_sequencer("sequencer")
        nonlocal started
        started = time.perf_counter()
        core.run()

    started = 0.0
    logging.disable(logging.CRITICAL)
    fastest = float("inf")
    for _ in range(REPETITIONS):
        with contextlib.redirect_stdout(io.StringIO()):
            run()
        fastest = min(fastest, time.perf_counter() - started)
    return THEIR_ITERATIONS * per_iteration / fastest


def best(run: Callable[[], None]) -> float:
    """Return the shortest time of some repetitions, s."""
    fastest = float("inf")
    for _ in range(OUR_REPETITIONS):
        begin = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


def main() -> int:
    """Print the table; 1 when a ratio is below the floor."""
    print(f"{'Q1 loop of':20} {'Podium':>10} {'q1simulator':>12} {'ratio':>8}   floor {FLOOR}")
    below = False
    for name, body in PROGRAMS.items():
        setup = SequencerSetup(
            waveform_lengths={0: 20, 1: 20}, acquisition_bins={0: 8}, readout=True, sync=True
        )
        counted = run_alone(
            Q1Processor(assemble(loop(body, 1000)), setup), triggers=[Trigger(10, 1)]
        )
        rate, peer = ours(body), theirs(body, counted.instructions // 1000)
        below = below or rate < FLOOR * peer
        print(f"{name:20} {rate / 1e6:8.1f} M {peer / 1e6:10.3f} M {rate / peer:7.0f} x")
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
