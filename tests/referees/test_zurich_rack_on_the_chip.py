"""A rack of Zurich Instruments of the facility file: three instruments, one start, one chip.

`lab.run` as with any controller; the hidden truth, which nothing of control has read, is the judge.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from scipy.optimize import curve_fit
from tests.benches.command_line import values_of
from tests.benches.referees.zurich_laboratory import served

from podium.control.client.facility_access import open_facility
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
from podium.control.runs.errors import RunFailed

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


@pytest.fixture(scope="module")
def truth(laboratory):
    return values_of(laboratory / "t.yaml")


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


@contextlib.asynccontextmanager
async def _opened(laboratory, truth):
    endpoints, state = laboratory / "e.json", laboratory / "up.json"
    async with open_facility(FACILITY, endpoints, state=state) as lab:
        await lab.ready(20.0)
        await lab.bias({f"{Q}.flux": truth[f"{Q}.sweet_spot"]})
        yield lab


def _along(data):
    """Return the points of q0 along the line on which they lie."""
    points = data["q0_i"].values + 1j * data["q0_q"].values
    centred = points - points.mean()
    return (centred * np.exp(-0.5j * np.angle((centred**2).sum()))).real


def _rabi(truth):
    height = Variable("a", "1", Linear.steps(0.0, 0.05, 20))
    return _program(
        truth, (Play("d", Gaussian(40 * NS, 10 * NS), Affine("a")),), Axis("a", (height,)), 100
    )


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


def _turns(turning):
    """Return how often the qubit turns at full scale, by a fit."""
    guess = (np.ptp(turning) / 2, 1.0, 0.0)
    (_, turns, _), _ = curve_fit(
        lambda a, h, turns, b: h * np.cos(2 * np.pi * turns * a) + b,
        np.linspace(0, 0.95, 20), turning, guess,
    )  # fmt: skip
    return abs(turns)


def _scale(found, world):
    """Return by how much more than the transmon's arc says the phase turns."""
    levels_v = np.arange(46) * 0.02 * RANGE_V / 2 * WEAKER
    turned = _detuning_hz(world, levels_v) * PULSE_NS * 1e-9
    assert turned[-1] < -1.5

    def signal(turned, h, scale, begin, b):
        return h * np.cos(2 * np.pi * (scale * turned + begin)) + b

    guess = (np.ptp(found) / 2, 1.0, 0.25, 0.0)
    (h, scale, _, _), _ = curve_fit(signal, turned, found, guess)
    assert 2 * abs(h) > 0.7 * np.ptp(found)
    return abs(scale)


def _middle_ns(found):
    """Return about which instant a flux pulse that was moved in steps of 8 ns is felt."""
    away = np.median(np.concatenate([found[:6], found[-6:]]))
    felt = np.abs(found - away)
    assert felt.max() > 0.4 * np.ptp(found)
    return np.sum(felt**2 * (np.arange(46) * 8.0 + PULSE_NS / 2)) / np.sum(felt**2)


@pytest.mark.slow
async def test_a_rabi_the_phase_of_a_flux_pulse_and_when_it_meets_the_drive(
    laboratory, truth, world
):
    """Three instruments in each program.

    The last one moves a flux pulse over two quarter turns: it is felt about the middle between
    them, whose centres lie 150 + 20 and 150 + 140 ns after the shot's beginning. The vendor's
    instruments take 283.5 ns and 305 ns from their start to their connectors.
    """
    high = Variable("v", "1", Linear.steps(0.0, 0.02, 46))
    at = Variable("t", "fs", Linear.steps(0, 8 * NS, 46))
    pulse = Square(PULSE_NS * NS)
    async with _opened(laboratory, truth) as lab:
        turns = _turns(_along(await lab.run(_rabi(truth))))
        assert 0.6 < turns < 1.4, "the chip was drawn with 40 MHz at full scale"
        lifted = Delay(("f",), 70 * NS), Play("f", pulse, Affine("v"))
        phase = _ramsey(truth, 0.25 / turns, lifted, Axis("v", (high,)))
        assert _scale(_along(await lab.run(phase)), world) == pytest.approx(1.0, abs=0.03)
        moved = Delay(("f",), Affine("t")), Play("f", pulse, 0.45)
        meeting = _ramsey(truth, 0.25 / turns, moved, Axis("t", (at,)), before_ns=150)
        assert _middle_ns(_along(await lab.run(meeting))) == pytest.approx(230.0, abs=4.0)


async def test_what_goes_wrong_ends_the_run_with_its_name_and_the_next_one_is_sound(
    laboratory, truth
):
    """A flux pulse while the resonators are lit is what no world here can answer."""
    high = Axis("v", (Variable("v", "1", Linear.steps(0.2, 0.1, 2)),))
    late = (Delay(("f",), 600 * NS), Play("f", Square(PULSE_NS * NS), Affine("v")))
    readout = _program(truth, (Delay(("d",), 20 * NS),), high, 2, Frame("f", f"{Q}.flux", 0.0))
    spoilt = replace(
        readout, name="lit", body=(*late, *(one for one in readout.body if _not_all(one)))
    )
    async with _opened(laboratory, truth) as lab:
        with pytest.raises(
            RunFailed, match=r"lit.*dev(8001|12001|12002) says: .*photons in the reson"
        ):
            await lab.run(spoilt)
        assert np.ptp(_along(await lab.run(_rabi(truth)))) > 0


def _not_all(one):
    """Tell whether a statement is none that has all frames wait for each other."""
    return not isinstance(one, Barrier)
