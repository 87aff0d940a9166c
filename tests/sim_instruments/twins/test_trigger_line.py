from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.clocks import Cable, Clock, ClockMake
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.twins.trigger_line import KEPT, TriggerInput, TriggerLine
from podium.sim_instruments.twins.twin import IDLE

NOW_FS = 1_800_000_000 * FS_PER_S
GRID_FS = 4 * FS_PER_NS


def an_input() -> TriggerInput:
    return TriggerInput(Clock(1, "node_a", ClockMake(trigger_grid_fs=GRID_FS), still_air()))


def test_a_line_delays_an_edge_by_its_cable_and_loses_it_while_unplugged() -> None:
    far_end = an_input()
    line = TriggerLine(far_end, Cable(2.0), still_air())
    line.unplugged = True
    line.edge(NOW_FS)
    assert far_end.first_from(0) is None
    line.unplugged = False
    line.edge(NOW_FS)
    assert far_end.first_from(0) == NOW_FS + 10 * FS_PER_NS


def test_an_armed_input_holds_world_time_until_a_sample_has_seen_the_edge() -> None:
    one = an_input()
    assert one.horizon(None, NOW_FS) is IDLE
    assert one.horizon(NOW_FS, NOW_FS).armed
    edge_fs = NOW_FS + FS_PER_S
    one.edge(edge_fs)
    assert one.horizon(NOW_FS, edge_fs - 1).armed
    seen_fs = one.start_fs(NOW_FS, edge_fs + GRID_FS)
    assert seen_fs is not None
    assert edge_fs <= seen_fs < edge_fs + GRID_FS
    assert one.start_fs(NOW_FS, seen_fs - 1) is None
    assert one.horizon(NOW_FS, seen_fs - 1).armed
    assert one.horizon(NOW_FS, seen_fs) is IDLE


def test_an_edge_before_it_was_armed_does_not_count() -> None:
    one = an_input()
    one.edge(NOW_FS - 1)
    assert one.start_fs(NOW_FS, NOW_FS + FS_PER_S) is None
    assert one.horizon(NOW_FS, NOW_FS + FS_PER_S).armed


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20), st.integers(0, 10**12))
def test_in_whatever_order_edges_are_told_the_first_one_counts(edges_fs, from_fs) -> None:
    one = an_input()
    for edge_fs in edges_fs:
        one.edge(edge_fs)
    assert one.first_from(from_fs) == min((e for e in edges_fs if e >= from_fs), default=None)


def test_old_edges_are_forgotten() -> None:
    one = an_input()
    for number in range(KEPT + 5):
        one.edge(number)
    assert one.first_from(0) == 5
