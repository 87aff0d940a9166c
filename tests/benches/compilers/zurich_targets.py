"""Wirings of Zurich Instruments for the programs that all compilers are tried with."""

from tests.benches.programs.example_programs import QUBITS

from podium.control.compilers.zurich.target import (
    DriveChannel,
    FluxChannel,
    ReadoutChannel,
    ZurichTarget,
)

FEEDLINE = ReadoutChannel(0, 7.2e9)


def shfqc() -> ZurichTarget:
    """The three qubits of ``example_programs``."""
    return ZurichTarget(
        "shfqc_a",
        "SHFQC",
        {
            "node_a.feedline": FEEDLINE,
            **{f"node_a.{q}.readout": FEEDLINE for q in QUBITS},
            "node_a.q0.drive": DriveChannel(0, 5.8e9),
            "node_a.q1.drive": DriveChannel(2, 5.0e9),
            "node_a.q2.drive": DriveChannel(4, 4.8e9),
        },
        readout_slots=16,
    )


def hdawg() -> ZurichTarget:
    """Three flux lines, two of them on one core."""
    return ZurichTarget(
        "hdawg_a",
        "HDAWG4",
        {f"node_a.c{k}.flux": FluxChannel(k) for k in (0, 1, 2)},
    )
