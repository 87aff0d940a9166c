"""The judge of faults in real processes sees what is wrong."""

import pytest
from tests.chaos.live import NODES, Laboratory, Live
from tests.chaos.live_plant import Pulse
from tests.chaos.world import Tally

T0_FS = 1_900_000_000 * 10**15


def pulse(node: str, off_fs: int = 0, tag: int = 0, **more) -> Pulse:
    facts = {"edge_was_late": False, "relocked_fs": None} | more
    return Pulse(node, "job_0", tag, T0_FS, T0_FS + off_fs, **facts)


def judged(folder, pulses: list[Pulse], completed: bool) -> Tally:
    """Return what the judge says of a run on two nodes."""
    laboratory = Laboratory(folder, 1)
    try:
        live = Live(laboratory, 0)
        live._jobs["job_0"] = NODES[:2]
        if completed:
            live._completed["job_0"] = (T0_FS, dict.fromkeys(NODES[:2], 0))
        for one in pulses:
            laboratory.plant.nodes[one.node].played.append(one)
        live._judge()
        return live.tally
    finally:
        laboratory.page.close()
        laboratory.plant.close()
        laboratory.processes.close()


ALL = [pulse("node_a"), pulse("node_b", 90_000)]


@pytest.mark.parametrize(
    ("pulses", "completed", "undetected", "wrong", "discarded"),
    [
        (ALL, True, 0, 0, 0),
        (ALL[:1], True, 1, 0, 0),
        (ALL[:1], False, 0, 0, 0),
        ([*ALL, ALL[0]], True, 1, 0, 0),
        ([ALL[0], pulse("node_b", tag=1)], True, 1, 0, 0),
        ([ALL[0], pulse("node_b", 10**6)], True, 1, 1, 0),
        ([ALL[0], pulse("node_b", 10**6)], False, 0, 1, 0),
        ([ALL[0], pulse("node_b", 10**6, edge_was_late=True)], False, 0, 0, 1),
        ([ALL[0], pulse("node_b", 10**6, relocked_fs=T0_FS - 1)], False, 0, 0, 1),
        ([ALL[0], pulse("node_b", 10**6, relocked_fs=T0_FS - 10**14)], False, 0, 1, 0),
        ([ALL[0], pulse("node_b", 10**6, relocked_fs=T0_FS - 1)], True, 1, 1, 0),
    ],
)
def test_the_judge_sees_what_is_wrong(
    tmp_path, pulses, completed, undetected, wrong, discarded
) -> None:
    tally = judged(tmp_path, pulses, completed)
    assert tally.undetected_partial_starts == undetected
    assert tally.wrong_time_pulses == wrong
    assert tally.discarded_after_the_fact == discarded
