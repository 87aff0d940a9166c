"""What is left of a drive at another qubit is measured as it is cancelled in programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.benches.calibration.driven_pair import FACILITY, Pair
from tests.benches.calibration.synthetic_data import Asked, MadeRunner, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.facility.line_response import LineResponse

RATIOS = (0.04 * np.exp(0.2j * np.pi), 0.07 * np.exp(-0.7j * np.pi))
PORTS = ("node_a.q0.drive", "node_a.q1.drive")


@dataclass
class CancellingPair:
    """The pair, whose drives are cancelled as the runner is asked to."""

    drifted: complex = 1.0
    """What arrives by now, over what was measured."""
    lines: list[Mapping[str, LineResponse]] = field(default_factory=lambda: [{}])

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        ratios = []
        for own, ratio in enumerate(RATIOS):
            line = self.lines[-1].get(PORTS[own], LineResponse())
            tones = [one.part * np.exp(2j * np.pi * one.turns) for one in line.cancels]
            arrives = ratio * (self.drifted if len(self.lines) > 1 else 1.0)
            ratios.append(complex(arrives + sum(tones)))
        return Pair((ratios[0], ratios[1]))(asked, rng)


class CorrectingMadeRunner(MadeRunner):
    """A runner that notes which lines it is to correct."""

    def corrected_lines(self) -> Mapping[str, LineResponse]:
        return self.pair.lines[-1]

    def correct_lines(self, lines: Mapping[str, LineResponse]) -> None:
        self.pair.lines.append(dict(lines))


async def found(pair: CancellingPair, seed: int, *steps: str) -> tuple[list[Outcome], Bench]:
    runner = CorrectingMadeRunner(pair, seed, facility=FACILITY)
    runner.pair = pair
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(runner, "node_a", qubits, known(FACILITY), keep=lambda _: None)
    return [one async for one in bring_up(bench, steps)], bench


@pytest.mark.parametrize("seed", sampled([25, 26], kept=[25]))
async def test_little_is_left_of_what_was_measured(seed: int) -> None:
    pair = CancellingPair()
    (_, outcome), bench = await found(pair, seed, "drive_crosstalk", "drive_cancellation")
    assert outcome.failures == {}
    for own, other in (("q0", "q1"), ("q1", "q0")):
        left = bench.record.all()[f"node_a.{own}.drive_crosstalk_left_{other}"]
        assert left.value < 4 * left.sigma + 0.006
        assert left.sigma < 0.003
    assert pair.lines[-1] == {}, "lines are corrected as they were before"
    assert any(PORTS[1] in lines for lines in pair.lines)
    assert not any("anew" in panel.text for panel in outcome.panels)


async def test_what_has_turned_meanwhile_is_said_to_be_measured_anew() -> None:
    pair = CancellingPair(drifted=np.exp(0.5j))
    (_, outcome), bench = await found(pair, 27, "drive_crosstalk", "drive_cancellation")
    left = bench.record.all()["node_a.q1.drive_crosstalk_left_q0"]
    assert left.value == pytest.approx(abs(RATIOS[1] * (np.exp(0.5j) - 1)), abs=0.01)
    assert sum("measure drive_crosstalk anew" in panel.text for panel in outcome.panels) == 2


async def test_without_anything_stored_nothing_is_measured() -> None:
    (outcome,), bench = await found(CancellingPair(), 28, "drive_cancellation")
    assert all("run drive_crosstalk first" in one for one in outcome.failures.values())
    assert not any("left" in name for name in bench.record.all())


async def test_a_runner_that_corrects_no_lines_is_named() -> None:
    _, bench = await found(CancellingPair(), 29, "drive_crosstalk")
    plain = MadeRunner(Pair(RATIOS), 30, facility=FACILITY)
    again = Bench(plain, "node_a", bench.qubits, bench.record, keep=lambda _: None)
    [outcome] = [one async for one in bring_up(again, ("drive_cancellation",))]
    assert all("corrects no lines" in one for one in outcome.failures.values())
