"""lab.run: parameters of a run, and programs that do not fit as they are."""

import json
from dataclasses import replace

import numpy as np
import pytest

from podium.control.program.program import Axis, Delay, Parameter, Play, Table, Variable
from podium.control.program.serialise import digest
from podium.control.program.waveforms import Gaussian, Square
from podium.control.runs.errors import RunError, RunRefused
from podium.drivers.errors import Refused

NS = 10**6


def uneven(trial, points: int):
    """As many amplitudes as no register can count through: 9000 take two programs."""
    program = trial()
    drawn = np.random.default_rng(1).uniform(-0.9, 0.9, points)
    axis = Axis("point", (Variable("amplitude", "1", Table(tuple(drawn))),))
    shaped = Play("d", Gaussian(100 * NS, 25 * NS), program.body[0].amplitude)
    body = (shaped, *program.body[1:], Delay(("r",), 5000 * NS))
    return replace(program, body=body, axes=(axis,))


async def test_what_does_not_fit_is_played_in_parts_and_its_data_are_one(lab, bench, trial):
    program = uneven(trial, 9000)
    loaded = []
    bench.hooks["cluster_a.load"] = lambda: loaded.append(1)
    data = await lab.run(program)
    assert len(loaded) == 2
    assert dict(data.sizes) == {"point": 9000}
    assert data.q0_i.dims == ("point",)
    np.testing.assert_array_equal(data.amplitude, program.axes[0].variables[0].values.values)
    assert np.isfinite(data.q0_i).all()
    assert data.attrs["program_hash"] == digest(program)
    small = await lab.run(uneven(trial, 4000))
    assert set(small.attrs) == set(data.attrs)
    assert small.q0_i.attrs == data.q0_i.attrs
    rounded = [q for q in json.loads(data.attrs["quantised"]) if q["what"].startswith("d: ampl")]
    assert len(rounded) == 2


async def test_kept_shots_of_parts_lie_where_those_of_one_run_do(lab, bench, trial):
    data = await lab.run(replace(uneven(trial, 9000), keep_shots=True))
    assert dict(data.sizes) == {"shot": 2, "point": 9000}
    assert np.isfinite(data.q0_q).all()


async def test_a_part_that_fails_fails_the_run(lab, bench, trial):
    starts = []

    def second_fails() -> None:
        starts.append(1)
        if len(starts) == 2:
            raise Refused("cluster_a: start: no")

    bench.hooks["cluster_a.start"] = second_fails
    with pytest.raises(RunError, match="cluster_a: start: no"):
        await lab.run(uneven(trial, 9000))
    assert "cluster_a.safe" in bench.done
    bench.hooks.clear()
    await lab.run(trial())


async def test_what_does_not_fit_is_streamed_in_parts_as_well(lab, bench, trial):
    program = replace(uneven(trial, 9000), shots=4)
    loaded = []
    bench.hooks["cluster_a.load"] = lambda: loaded.append(1)
    seen = [data async for data in lab.stream(program, batch_shots=2)]
    assert [data.attrs["shots_done"] for data in seen] == [2, 4]
    assert len(loaded) == 2 * 2
    assert dict(seen[-1].sizes) == {"point": 9000}
    assert np.isfinite(seen[-1].q0_i).all()
    assert seen[-1].attrs["program_hash"] == digest(program)
    rounded = [q for q in json.loads(seen[-1].attrs["quantised"]) if "d: ampl" in q["what"]]
    assert len(rounded) == 2


async def test_one_shot_that_is_too_long_is_refused_and_touches_nothing(lab, bench, trial):
    bench.done.clear()
    program = trial()
    pulses = [Play("d", Gaussian(100 * NS, 25 * NS), 0.1 + 1e-3 * (k % 7)) for k in range(9000)]
    with pytest.raises(RunRefused, match="instructions"):
        await lab.run(replace(program, axes=(), body=(*pulses, *program.body[1:])))
    assert bench.done == []


def rotation(trial, theta: float = 0.1):
    program = trial()
    body = (Play("d", Square(100 * NS), Parameter("theta", theta)), *program.body)
    return replace(program, body=body)


async def test_a_parameter_changes_from_run_to_run_without_compiling(lab, bench, trial):
    program = rotation(trial)
    texts = []
    bench.hooks["cluster_a.load"] = lambda: None
    for theta in (0.1, 0.3, -0.5, 0.3):
        data = await lab.run(program, parameters={"theta": theta})
        texts.append([one.text for one in bench.clusters[-1].program.sequencers])
        assert data.attrs["program_hash"] == digest(rotation(trial, theta))
    assert texts[1] == texts[3]
    assert len({tuple(text) for text in texts}) == 3
    assert {text[1] for text in texts} == {texts[0][1]}  # the readout is as it was


async def test_a_parameter_that_is_not_there_or_too_large_is_refused(lab, bench, trial):
    program = rotation(trial)
    await lab.run(program)
    with pytest.raises(RunRefused, match="no parameter 'phi'; there are: 'theta'"):
        await lab.run(program, parameters={"phi": 0.1})
    with pytest.raises(RunRefused, match="from -1 to 1"):
        await lab.run(program, parameters={"theta": 1.1})
