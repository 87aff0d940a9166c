"""A result of one node decides what another one plays, carried where no wire is."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.links.photon_readout import level_of, read
from tests.benches.servers.photon_program import PhotonProgram

from podium.control.client.cut_run import CutRun, cut_dataset
from podium.control.client.facility_access import open_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import (
    Barrier,
    Capture,
    Frame,
    If,
    Play,
    Program,
)
from podium.control.program.waveforms import Square
from podium.control.runs.errors import RunFailed, RunRefused
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

LINKED = Path(__file__).parents[3] / "examples" / "linked" / "facility.yaml"
SHOTS = 24
FRAMES = tuple(Frame(name, f"node_{name}.q0.readout", 7e9) for name in "ab")
PLACES = {"a": "cluster_a", "b": "cluster_b"}
LEVEL = Discriminator(0.0, 0.1)


def flip(shots: int = 3) -> Program:
    """``b`` plays where ``a`` was found in 1, and both are captured."""
    body = (
        Capture("a", "m", ns=600, discriminator=LEVEL),
        Play("a", Square(ns=700)),
        Barrier(("a", "b")),
        If(is_one("m"), (Play("b", Square(ns=40)),)),
        Capture("b", "n", ns=600, discriminator=LEVEL),
        Play("b", Square(ns=700)),
    )
    return Program("flip", FRAMES, body, shots=shots)


class Instruments:
    """Plays parts: results are those that are given, each part begins 80 ms after the last."""

    def __init__(self, results: dict[str, list[int]], failing: tuple[int, ...] = ()) -> None:
        self.played: list[Program] = []
        self._results, self._failing = results, failing

    async def run(self, program: Program) -> xarray.Dataset:
        self.played.append(program)
        number = len(self.played)
        if number in self._failing:
            raise RunFailed("its start came late")
        name = "m" if program.frames[0].name == "a" else "n"
        values = {f"{name}_outcome": ("shot", [float(self._results[name].pop(0))])}
        values |= {f"{name}_{one}": ("shot", [0.5]) for one in "iq"}
        started = str(Tai(1_000, number * 80 * 10**12))
        return xarray.Dataset(values, attrs={"run": f"run-{number}", "started_tai": started})


async def test_each_shot_plays_the_branch_of_its_own_result() -> None:
    there = Instruments({"m": [1, 0, 1], "n": [1, 0, 0]})
    cut = CutRun(flip(), PLACES, there.run)
    shots = await cut.shots()
    pulses = [sum(isinstance(s, Play) for s in one.body) for one in there.played]
    assert pulses == [1, 2, 1, 1, 1, 2]
    lifetimes = {"node_b.q0": (0.08, None)}
    data = cut_dataset(flip(), cut.slow, shots, {"run": "run-6"}, lifetimes)
    np.testing.assert_array_equal(data["m_outcome"], [1, 0, 1])
    np.testing.assert_array_equal(data["n_outcome"], [1, 0, 0])
    # from the end of a part of 700 ns to the beginning of the next one
    np.testing.assert_allclose(data["waited"], np.full((3, 1), 0.08 - 700e-9), rtol=1e-12)
    kept = json.loads(data.attrs["waits"])["kept"]["node_b.q0"]
    assert kept["excitation"] == pytest.approx(np.exp(-1), abs=1e-4)
    assert kept["phase"] is None


async def test_a_shot_of_which_a_part_fails_is_begun_anew() -> None:
    there = Instruments({"m": [1, 0, 1, 1], "n": [0, 1, 1]}, failing=(4,))
    cut = CutRun(flip(), PLACES, there.run)
    shots = await cut.shots()
    assert cut.made_again == 1
    # the second shot's first result is given up with it
    assert [one.values["m"][2] for one in shots] == [1, 1, 1]
    assert [one.runs for one in shots] == [
        ["run-1", "run-2"],
        ["run-5", "run-6"],
        ["run-7", "run-8"],
    ]


async def test_a_cut_that_takes_too_long_is_refused_with_the_time_that_is_missing() -> None:
    cut = CutRun(flip(), PLACES, Instruments({"m": [1], "n": [1]}).run, longest_wait_s=0.05)
    with pytest.raises(
        RunRefused, match=r"waited 0.08 s .* 0.05 s are allowed: 0.03 s are missing"
    ):
        await cut.shots()


@pytest.mark.slow
async def test_a_result_decides_what_another_node_plays(tmp_path: Path) -> None:
    write_world(sample(LINKED, 3), tmp_path / "twin.yaml")
    store = tmp_path / "parameters.sqlite"
    with ParameterStore(store) as known:
        at = ("run", "t1", 0.0, 0)
        known.put([ParameterEntry("node_b.q0.t1", 4.5e-6, 1e-7, "s", *at)])
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(
        LINKED, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)
    ) as serving:
        made = PhotonProgram(serving.laboratory)
        with published(endpoints, serving.endpoints()):
            async with open_facility(LINKED, endpoints) as lab, asyncio.timeout(240):
                await lab.ready(60)
                levels = {end: await level_of(lab, made, end) for end in "ab"}
                body = [
                    *made.turn("a.ge", 0.5),
                    *read(made, "a", "a", levels["a"]),
                    If(is_one("a"), tuple(made.turn("b.ge"))),
                    Barrier(made.names),
                    *read(made, "b", "b", levels["b"]),
                ]
                program = Program("remote flip", tuple(made.frames), tuple(body), shots=SHOTS)
                with pytest.raises(RunRefused, match=r"100 ns after the window.* s are missing"):
                    await lab.run(program, corrected=False)
                data = await lab.run_cut(program, store=store, corrected=False)
                with pytest.raises(RunRefused, match=r"1e-06 s are allowed: .* s are missing"):
                    await lab.run_cut(program, store=store, longest_wait_s=1e-6)
                with pytest.raises(RunRefused, match="no condition on results of another"):
                    await lab.run_cut(replace(program, body=tuple(read(made, "a", "a", None))))
    one, other = data["a_outcome"].values, data["b_outcome"].values
    # 24 results of half a turn are all alike in one case of 8 million
    assert 0 < one.sum() < SHOTS
    # readouts and decay within them take some 10 % of 1 for 0
    assert (one == other).mean() > 0.7, (one, other)
    waited = data["waited"].values
    assert waited.shape == (SHOTS, 1)
    assert (waited > 1e-4).all()
    waits = json.loads(data.attrs["waits"])
    assert waits["kept"]["node_b.q0"] == {"excitation": pytest.approx(0.0, abs=1e-6), "phase": None}
    with ParameterStore(store) as known:
        latency = known.get("linked.slow_branch_latency")
    assert latency is not None
    assert latency.value == pytest.approx(waited.mean())
