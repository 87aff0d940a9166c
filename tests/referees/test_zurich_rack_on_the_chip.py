"""A rack of Zurich Instruments of the facility file: three instruments, one start, one chip.

`lab.run` as with any controller; the hidden truth, which nothing of control has read, is the judge.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from scipy.optimize import curve_fit

from podium.control.lab import open_facility
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square

from .zurich_laboratory import START, served

FACILITY = Path(__file__).parents[2] / "examples" / "zi_rack" / "facility.yaml"
NS, US = 10**6, 10**9
Q = "node_a.q0"
PULSE_NS = 60
RANGE_V, WEAKER = 2.0, 10 ** (-20 / 20)
"""Of the file: full scale of the output is half its range, a tenth of which counts."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zi_rack")
    with served(folder, FACILITY.read_text(), "zi_a"):
        yield folder


def told(laboratory, *words):
    said = subprocess.run(
        [sys.executable, "-c", START, "twin", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return json.loads(said.stdout)


@pytest.fixture(scope="module")
def truth(laboratory):
    found = told(laboratory, "truth", laboratory / "t.yaml", "--json")
    return {name: one["value"] for name, one in found.items()}


def _program(truth, body, axis, shots, *more):
    """Return a program that does ``body``, then reads q0."""
    drive = Frame("d", f"{Q}.drive", truth[f"{Q}.f01"])
    readout = Frame("r", f"{Q}.readout", truth[f"{Q}.readout_frequency"])
    names = ("d", "r", *(one.name for one in more))
    return Program(
        "on the rack",
        (drive, readout, *more),
        (
            *body,
            Barrier(names),
            Capture("r", "q0", 1000 * NS, 200 * NS),
            Play("r", Square(1200 * NS), 0.15),
            Barrier(names),
            Delay(("d",), 250 * US),
        ),
        axes=(axis,),
        shots=shots,
    )


async def _swept(laboratory, truth, *programs):
    endpoints, state = laboratory / "e.json", laboratory / "up.json"
    async with open_facility(FACILITY, endpoints, state=state) as lab:
        await lab.ready(20.0)
        await lab.bias({f"{Q}.flux": truth[f"{Q}.sweet_spot"]})
        found = [await lab.run(program) for program in programs]
    return [_along(one["q0_i"].values + 1j * one["q0_q"].values) for one in found]


def _along(points):
    """Return points along the line on which they lie."""
    centred = points - points.mean()
    return (centred * np.exp(-0.5j * np.angle((centred**2).sum()))).real


def _rabi(truth):
    height = Variable("a", "1", Linear(0.0, 0.05, 20))
    return _program(
        truth, (Play("d", Gaussian(40 * NS, 10 * NS), Affine("a")),), Axis("a", (height,)), 100
    )


async def test_a_rabi_from_two_instruments_turns_as_the_world_has_it(laboratory, truth):
    (turning,) = await _swept(laboratory, truth, _rabi(truth))
    amplitudes = np.linspace(0, 0.95, 20)
    guess = (np.ptp(turning) / 2, 1.0, 0.0)
    (_, turns, _), _ = curve_fit(
        lambda a, h, turns, b: h * np.cos(2 * np.pi * turns * a) + b, amplitudes, turning, guess
    )
    assert 0.6 < abs(turns) < 1.4


@pytest.fixture(scope="module")
def world(laboratory):
    """Return the hidden constants of q0."""
    tree = YAML(typ="safe").load((laboratory / "t.yaml").read_text())
    return tree["nodes"]["node_a"]["qubits"]["q0"]


def _detuning_hz(world, level_v):
    """By how much a transmon's f01 falls at so many volts beside its sweet spot.

    Koch et al., PRA 76, 042319 (2007): sqrt(8 EJ EC) - EC, EJ of an asymmetric pair of junctions.
    """
    plasma_hz = np.sqrt(8 * world["josephson_energy"]["value"] * world["charging_energy"]["value"])
    turn = np.pi * level_v * world["flux_per_volt"]["q0"]["value"]
    junctions = np.cos(turn) ** 2 + world["asymmetry"]["value"] ** 2 * np.sin(turn) ** 2
    return plasma_hz * (junctions**0.25 - 1)


def _ramsey(truth, quarter, flux, axis, before_ns=20):
    """Return two quarter turns 120 ns apart, and what ``flux`` plays meanwhile."""
    pulse = Play("d", Gaussian(40 * NS, 10 * NS), quarter)
    lifted = Frame("f", f"{Q}.flux", 0.0)
    body = (
        Delay(("d",), before_ns * NS), pulse, Delay(("d",), 80 * NS),
        ShiftPhase("d", 0.25), pulse, *flux,
    )  # fmt: skip
    return _program(truth, body, axis, 300, lifted)


async def _quarter(laboratory, truth):
    (turning,) = await _swept(laboratory, truth, _rabi(truth))
    (_, turns, _), _ = curve_fit(
        lambda a, h, turns, b: h * np.cos(2 * np.pi * turns * a) + b,
        np.linspace(0, 0.95, 20), turning, (np.ptp(turning) / 2, 1.0, 0.0),
    )  # fmt: skip
    return 0.25 / abs(turns)


async def test_a_flux_pulse_turns_the_qubits_phase_as_its_arc_says(laboratory, truth, world):
    quarter = await _quarter(laboratory, truth)
    high = Variable("v", "1", Linear(0.0, 0.02, 46))
    flux = (Delay(("f",), 70 * NS), Play("f", Square(PULSE_NS * NS), Affine("v")))
    (found,) = await _swept(laboratory, truth, _ramsey(truth, quarter, flux, Axis("v", (high,))))
    levels_v = np.arange(46) * 0.02 * RANGE_V / 2 * WEAKER
    turned = _detuning_hz(world, levels_v) * PULSE_NS * 1e-9
    assert turned[-1] < -1.5

    def signal(turned, h, scale, begin, b):
        return h * np.cos(2 * np.pi * (scale * turned + begin)) + b

    guess = (np.ptp(found) / 2, 1.0, 0.25, 0.0)
    (h, scale, _, _), _ = curve_fit(signal, turned, found, guess)
    assert abs(scale) == pytest.approx(1.0, abs=0.03)
    assert 2 * abs(h) > 0.7 * np.ptp(found)


async def test_drive_and_flux_meet_at_the_chip_when_the_program_says(laboratory, truth):
    """A flux pulse is moved over two quarter turns: it is felt about the middle between them.

    The vendor's instruments take 283.5 ns and 305 ns from their start to their connectors.
    """
    quarter = await _quarter(laboratory, truth)
    late = Variable("t", "fs", Linear(0, 8 * NS, 46))
    flux = (
        Delay(("f",), Affine("t")),
        Play("f", Square(PULSE_NS * NS), 0.45),
    )
    program = _ramsey(truth, quarter, flux, Axis("t", (late,)), before_ns=150)
    (found,) = await _swept(laboratory, truth, program)
    starts = np.arange(46) * 8.0
    away = np.median(np.concatenate([found[:6], found[-6:]]))
    felt = np.abs(found - away)
    middle = np.sum(felt**2 * (starts + PULSE_NS / 2)) / np.sum(felt**2)
    # Their centres lie 150 + 20 and 150 + 140 ns after the shot's beginning.
    assert felt.max() > 0.4 * np.ptp(found)
    assert middle == pytest.approx(230.0, abs=6.0)
