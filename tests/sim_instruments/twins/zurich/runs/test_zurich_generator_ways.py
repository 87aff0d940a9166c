"""A generator goes a way once, however many shots and whatever others do."""

from collections.abc import Callable

import pytest
from tests.benches.zurich.flipping_rack import CORE, FLIP, REGISTERS, FlippingRack
from tests.benches.zurich.two_qubit_programs import BOTH, SECOND

from benches import feedback_shfqc
from podium.sim_instruments.twins.zurich.runs import feedback_run
from podium.sim_instruments.twins.zurich.runs.live_generator import LiveGenerator
from podium.sim_instruments.twins.zurich.runs.outcome_firmware import OutcomeFirmware
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked, walk


@pytest.fixture(scope="module")
def bench() -> feedback_shfqc.Shfqc:
    one = feedback_shfqc.Shfqc(2)
    one.calibrate()
    return one


def gone(monkeypatch, play: Callable[[], object]) -> tuple[list[int], int]:
    """Return how often each generator was let go on while a run was walked, and how many ways they
    went together."""
    counts: dict[int, int] = {}
    together: list[object] = []
    refused: list[str] = []
    go_on, worked_out = LiveGenerator.go_on, OutcomeFirmware._worked_out

    def counted(self, known: int, *, bounded: bool) -> None:
        counts[id(self)] = counts.get(id(self), 0) + 1
        go_on(self, known, bounded=bounded)

    def noted(self, *given, bounded: bool):
        together.append(given)
        return worked_out(self, *given, bounded=bounded)

    def walked(*given):
        try:
            return walk(*given)
        except NotWalked as error:
            refused.append(str(error))
            raise

    monkeypatch.setattr(LiveGenerator, "go_on", counted)
    monkeypatch.setattr(OutcomeFirmware, "_worked_out", noted)
    monkeypatch.setattr(feedback_run, "walk", walked)
    play()
    monkeypatch.undo()
    assert together
    assert not refused
    return sorted(counts.values()), len(together)


def test_more_shots_take_no_more_ways(monkeypatch, bench) -> None:
    few = gone(monkeypatch, lambda: bench.play(100, drive=feedback_shfqc.DRIVE, read=BOTH))
    assert few == gone(monkeypatch, lambda: bench.play(400, drive=feedback_shfqc.DRIVE, read=BOTH))


def test_nor_do_they_behind_a_pqsc(monkeypatch) -> None:
    """What its bank holds, and how late its words are, is the same from shot to shot."""
    rack, programs = FlippingRack(), {("HDAWG4", CORE): FLIP}
    rack.forward(1, (REGISTERS[0], 0))
    rack.calibrate(programs)
    few = gone(monkeypatch, lambda: rack.play(100, programs))
    assert few == gone(monkeypatch, lambda: rack.play(200, programs))


def test_ways_of_two_generators_are_put_together_of_those_of_each(monkeypatch, bench) -> None:
    both, together = gone(
        monkeypatch, lambda: bench.play(200, drive=feedback_shfqc.DRIVE, read=BOTH, other=SECOND)
    )
    assert len(both) == 2
    assert max(both) < together, "each goes its own ways once, whatever the other one hears"
