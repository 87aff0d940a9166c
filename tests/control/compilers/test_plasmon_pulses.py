"""A drive of a plasmon, carrier and amplitude swept, as machine code of both families plays it."""

from pathlib import Path

from tests.benches.compilers import qblox_oracle, zurich_oracle
from tests.benches.facility.fluxonium_pair import pair, written

from podium.control.facility.load import load_facility
from podium.control.families.qblox.targets import targets_of
from podium.control.families.zurich.targets import zurich_targets_of
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    Table,
    Variable,
)
from podium.control.program.waveforms import FlatTop, Gaussian


def program() -> Program:
    """A turn of the plasmon between two pulses on 0-1, gigahertz below."""
    drive = Frame("drive", "node_a.q0.drive", 1.06e9)
    plasmon = Frame("plasmon", "node_a.q0.plasmon", 3.05e9)
    frames = (drive.name, plasmon.name)
    body = (
        SetFrequency("plasmon", Affine("carrier")),
        Play("drive", Gaussian(ns=28, sigma_ns=7), 0.4),
        Barrier(frames),
        Play("plasmon", FlatTop(ns=56, rise_ns=6), Affine("height")),
        Delay(("plasmon",), ns=12),
        Barrier(frames),
        Play("drive", Gaussian(ns=28, sigma_ns=7), 0.4),
        Delay(frames, ns=4000),
    )
    axes = (
        Axis("carrier", (Variable("carrier", "Hz", Table((3.042e9, 3.0465e9))),)),
        Axis("height", (Variable("height", "1", Linear(0.1, 0.5, 5)),)),
    )
    return Program("turn", (drive, plasmon), body, axes, shots=2)


def test_a_cluster_plays_it_on_a_qcm_rf_beside_a_modulated_drive(tmp_path: Path) -> None:
    target = targets_of(load_facility(written(pair(), tmp_path)))["cluster"]
    made = qblox_oracle.hold_against_reference(program(), target)
    assert len(made.sequencers) == 2


def test_an_shfqc_plays_it_on_a_channel_of_its_own(tmp_path: Path) -> None:
    (target,) = zurich_targets_of(load_facility(written(pair("zurich"), tmp_path)))["zi"]
    zurich_oracle.hold_against_reference(program(), target)
