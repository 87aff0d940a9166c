from hypothesis import given, settings
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.wrtd import EventMessage, EventTime, encode
from podium.sim_instruments.physics.clock_makes import CONTROLLER, Cable, ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room, still_air
from podium.sim_instruments.servers.leaps import leap_target_fs
from podium.sim_instruments.twins.trigger_line import KEPT, TriggerInput, TriggerLine
from podium.sim_instruments.twins.twin import IDLE, Horizon
from podium.sim_instruments.twins.wrtd_node.node import GUARD_FS, WrtdNode
from podium.sim_instruments.twins.wrtd_node.rules import Rule

NOW_FS = 1_800_000_000 * FS_PER_S
GRID_FS = 4 * FS_PER_NS


def an_input() -> TriggerInput:
    return TriggerInput(Clock(1, "node_a", ClockMake(trigger_grid_fs=GRID_FS), still_air()))


CABLE_FS = 10 * FS_PER_NS


def test_a_line_delays_an_edge_by_its_cable_and_loses_it_while_unplugged() -> None:
    far_end = an_input()
    line = TriggerLine(far_end, Cable(2.0), still_air())
    line.unplug(NOW_FS)
    line.edge(NOW_FS)
    assert far_end.first_from(0) is None
    line.plug(NOW_FS + 1)
    assert far_end.first_from(0) is None
    line.edge(NOW_FS + 2)
    assert far_end.first_from(0) == NOW_FS + 2 + CABLE_FS


def test_an_edge_that_was_told_is_lost_where_the_cable_is_off_when_it_goes_in() -> None:
    far_end = an_input()
    line = TriggerLine(far_end, Cable(2.0), still_air())
    line.edge(NOW_FS)
    line.edge(NOW_FS + FS_PER_S)
    line.unplug(NOW_FS + 1)
    assert far_end.first_from(0) == NOW_FS + CABLE_FS, "it was on its way"
    assert far_end.first_from(NOW_FS + FS_PER_S) is None
    line.plug(NOW_FS + 2)
    assert far_end.first_from(NOW_FS + FS_PER_S) == NOW_FS + FS_PER_S + CABLE_FS


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


@settings(deadline=None)  # the first clock compiles its kernels
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


class Plane:
    """Two nodes, each with a trigger node and a controller of its own, in one room."""

    def __init__(self, seed: int) -> None:
        self.room = Room(seed)
        self.inputs: list[TriggerInput] = []
        self.nodes: list[WrtdNode] = []
        for name in ("a", "b"):
            controller = Clock(seed, f"cluster_{name}", CONTROLLER, self.room)
            node = WrtdNode(
                "1", lambda make, name=name: Clock(seed, f"wrtd_{name}", make, self.room)
            )
            controller.follow(node.clock)
            rule = Rule("start", source="START", destination="LC-O1", send_late=False)
            rule.enable()
            node.rules["start"] = rule
            self.inputs.append(TriggerInput(controller))
            self.nodes.append(node)
            node.connect("LC-O1", TriggerLine(self.inputs[-1], Cable(3.0), self.room))

    def start(self, t0_fs: int, delays_ns: tuple[int, int] = (0, 0)) -> list[int]:
        """Fire at ``t0_fs``; return when each controller started, TAI."""
        message = encode(EventMessage("START", EventTime.from_fs(t0_fs)))
        starts = []
        for node, one, delay_ns in zip(self.nodes, self.inputs, delays_ns, strict=True):
            node.rules["start"].delay_ns = delay_ns
            node.hear("events", message, t0_fs - FS_PER_S)
            started_fs = one.start_fs(t0_fs - FS_PER_S // 2, t0_fs + FS_PER_S)
            assert started_fs is not None
            starts.append(started_fs)
        return starts


def test_a_fired_start_is_seen_by_both_controllers_on_one_tick_each_or_its_neighbour() -> None:
    plane = Plane(4)
    grid_fs = CONTROLLER.trigger_grid_fs
    skews = []
    for number in range(60):
        first, second = plane.start(NOW_FS + number * FS_PER_S)
        skews.append(second - first)
    ticks = {round((skew - skews[0]) / grid_fs) for skew in skews}
    assert len(ticks) <= 3, "a sampled edge moves by whole ticks only"
    within = [skew - round((skew - skews[0]) / grid_fs) * grid_fs for skew in skews]
    spread_fs = max(within) - min(within)
    assert spread_fs < 200_000, "and on one tick, it is jitter that is left: some 20 ps rms"


def test_delays_of_nanoseconds_move_an_edge_away_from_where_it_is_sampled_badly() -> None:
    """Every seed has delays for which 60 starts land on one tick each: control can find them."""
    for seed in range(6):
        good = []
        for delay_ns in range(4):
            plane = Plane(seed)
            starts = [
                plane.start(NOW_FS + n * FS_PER_S, (delay_ns, delay_ns))[0] - n * FS_PER_S
                for n in range(60)
            ]
            good.append(max(starts) - min(starts) < FS_PER_NS)
        assert sum(good) >= 3, good


def test_world_time_waits_for_an_armed_instrument_and_never_leaps_past_its_edge() -> None:
    plane = Plane(4)
    t0_fs = NOW_FS + 10 * FS_PER_S
    ramp = Horizon(armed=False, busy_until_fs=NOW_FS + 3600 * FS_PER_S, computing=False)

    def target_fs(now_fs: int, armed_fs: int | None) -> int | None:
        horizons = [ramp, *(node.horizon(now_fs) for node in plane.nodes)]
        horizons += [one.horizon(armed_fs, now_fs) for one in plane.inputs]
        return leap_target_fs(horizons, now_fs)

    assert target_fs(NOW_FS, None) == ramp.busy_until_fs
    assert target_fs(NOW_FS, NOW_FS) is None, "armed: nothing leaps"
    plane.start(t0_fs)
    near_fs = target_fs(NOW_FS, None)
    assert near_fs is not None
    assert abs(near_fs - (t0_fs - GUARD_FS)) < FS_PER_NS, "not armed: up to the guard"
    assert target_fs(NOW_FS, NOW_FS) is None
    assert target_fs(t0_fs - GUARD_FS // 2, None) is None, "within the guard: nothing leaps"
    assert target_fs(t0_fs + FS_PER_S, NOW_FS) == ramp.busy_until_fs, "and after it all does"
