"""Which biases an agent lets move: within the limits, at the slew, never past a safe rule."""

from dataclasses import replace

import pytest

from podium.control.calibration.runner import RunRefused
from podium.control.facility.frozen_map import FrozenMap

Q0, Q1 = "node_a.q0.flux", "node_a.q1.flux"
LIMIT_V = 1.2
"""Of both, in the facility file of the example."""


def ramps(bench) -> list[str]:
    return [one for one in bench.done if ".ramp " in one]


@pytest.fixture
def slow(example):
    """The example with another slew for each of two ports."""
    wiring = {
        port: replace(example.wiring[port], slew_v_per_s=slew)
        for port, slew in ((Q0, 0.25), (Q1, 0.125))
    }
    return replace(example, wiring=FrozenMap({**example.wiring, **wiring}))


@pytest.mark.parametrize("level_v", [LIMIT_V, -LIMIT_V])
async def test_a_bias_may_go_to_its_limit_either_way(lab, bench, level_v: float) -> None:
    await lab.bias({Q0: level_v})
    assert bench.levels["bias_q0."] == level_v


@pytest.mark.parametrize("port", [Q0, Q1])
@pytest.mark.parametrize("level_v", [1.2000001, -1.2000001, 50.0, -50.0, float("nan")])
async def test_no_bias_goes_beyond_its_limit_either_way(
    lab, bench, port: str, level_v: float
) -> None:
    with pytest.raises(RunRefused, match=r"the facility file allows -1\.2 \.\.\. 1\.2 V"):
        await lab.bias({port: level_v})
    assert ramps(bench) == []


@pytest.mark.parametrize("order", [1, -1])
async def test_one_bias_beyond_its_limit_keeps_all_of_them_still(lab, bench, order: int) -> None:
    asked = [(Q0, 0.1), (Q1, -1.3)][::order]
    with pytest.raises(RunRefused, match=f"{Q1}: -1.3 V asked of"):
        await lab.bias(dict(asked))
    assert ramps(bench) == []


async def test_each_bias_moves_at_the_slew_of_its_own_line(slow, bench, open_lab) -> None:
    async with open_lab(slow, bench) as lab:
        await lab.bias({Q0: -0.4, Q1: 0.3})
    assert sorted(ramps(bench)) == [
        "bias_q0.ramp  -0.4 0.25",
        "cluster_a.ramp slot6.out2 0.3 0.125",
    ]


async def test_a_bias_that_is_there_is_not_ramped_again_unless_its_box_was_away(lab, bench) -> None:
    await lab.bias({Q0: 0.3})
    await lab.bias({Q0: 0.3})
    assert ramps(bench) == ["bias_q0.ramp  0.3 0.5"]
    await lab.release("bias_q0")
    bench.levels["bias_q0."] = 0.0  # somebody has turned the knob
    await lab.take_back("bias_q0")
    await lab.ready(10)
    await lab.bias({Q0: 0.3})
    assert bench.levels["bias_q0."] == 0.3
