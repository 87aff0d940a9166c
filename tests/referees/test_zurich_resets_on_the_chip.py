"""Active reset as `lab.run` plays it on the SHFQC of the example, over the vendor's client.

Pulses and discriminator are found on the twin as a lab would; nothing of control reads its world.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit
from tests.benches.zurich.chip_laboratory import FACILITY, NS, US, Q, laboratory, truth

from podium.control.client.facility_access import open_facility
from podium.control.compilers.zurich.results import LEAST_DELAY_FS
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square

__all__ = ["laboratory", "truth"]
BOTH = ("d", "r")


def pulse(amplitude):
    return Play("d", Gaussian(40 * NS, 10 * NS), amplitude)


def read(name, discriminator=None):
    return (
        Barrier(BOTH),
        Capture("r", name, 1000 * NS, 200 * NS, discriminator),
        Play("r", Square(1200 * NS), 0.3),
        Barrier(BOTH),
        Delay(BOTH, LEAST_DELAY_FS),
    )


@pytest.mark.slow
async def test_active_reset_by_the_lab_resets(laboratory: Path, truth) -> None:
    frames = (
        Frame("d", f"{Q}.drive", truth[f"{Q}.f01"]),
        Frame("r", f"{Q}.readout", truth[f"{Q}.readout_frequency"]),
    )

    def program(name, *body, axes=(), shots=200, keep=True):
        return Program(
            name, frames, (Delay(BOTH, 250 * US), *body), axes, shots=shots, keep_shots=keep
        )

    async with open_facility(FACILITY, laboratory / "e.json", state=laboratory / "up.json") as lab:
        await lab.ready(20.0)
        await lab.bias({f"{Q}.flux": truth[f"{Q}.sweet_spot"]})
        height = Axis("a", (Variable("a", "1", Linear.steps(0.0, 0.08, 12)),))
        rabi = await lab.run(
            program("rabi", pulse(Affine("a")), *read("m"), axes=(height,), shots=60, keep=False)
        )
        points = rabi["m_i"].values + 1j * rabi["m_q"].values
        centred = points - points.mean()
        along = (centred * np.exp(-0.5j * np.angle((centred**2).sum()))).real
        (_, turns, _), _ = curve_fit(
            lambda a, h, turns, b: h * np.cos(2 * np.pi * turns * a) + b,
            np.linspace(0, 0.88, 12), along, (np.ptp(along) / 2, 1.0, 0.0),
        )  # fmt: skip
        pi = 0.5 / abs(turns)
        means = []
        for amplitude in (0.0, pi):
            shots = await lab.run(program("level", pulse(amplitude), *read("m")))
            found = shots["m_i"].values + 1j * shots["m_q"].values
            means.append(np.median(found.real) + 1j * np.median(found.imag))
        angle = np.angle(means[1] - means[0])
        middle = (means[0] + means[1]) / 2 * np.exp(-1j * angle)
        tells = Discriminator(float(-angle / (2 * np.pi)), float(middle.real))
        left = {}
        for name, then in (("as it is", ()), ("reset", (pulse(pi),))):
            body = (
                pulse(pi / 2),
                *read("first", tells),
                If(is_one("first"), then),
                *read("second", tells),
            )
            left[name] = await lab.run(program(name, *body, shots=400))
    for data in left.values():
        # The dataset has the record as it came, whatever turned the weights.
        found = data["first_i"].values + 1j * data["first_q"].values
        ones = (found * np.exp(2j * np.pi * tells.rotation_turns)).real > tells.threshold_v
        assert (ones == data["first_outcome"].values).all()
        assert 0.35 < data["first_outcome"].mean() < 0.65
    as_it_is, reset = (float(one["second_outcome"].mean()) for one in left.values())
    assert as_it_is > 0.35
    assert reset < 0.15


@pytest.mark.parametrize("keep", [True, False])
async def test_outcomes_come_as_shares_where_shots_are_averaged(laboratory, truth, keep) -> None:
    frame = Frame("r", f"{Q}.readout", truth[f"{Q}.readout_frequency"])
    always = Discriminator(0.1, -1.0)
    body = (
        Capture("r", "m", 400 * NS, 0, always),
        Capture("r", "n", 400 * NS, 0, Discriminator(0.1, 1.0)),
        Play("r", Square(400 * NS), 0.2),
        Delay(("r",), 10 * US),
    )
    program = Program("shares", (frame,), body, shots=20, keep_shots=keep)
    async with open_facility(FACILITY, laboratory / "e.json", state=laboratory / "up.json") as lab:
        await lab.ready(20.0)
        data = await lab.run(program)
    assert data["m_outcome"].shape == ((20,) if keep else ())
    assert float(data["m_outcome"].mean()) == 1
    assert float(data["n_outcome"].mean()) == 0
