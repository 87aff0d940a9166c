"""What the gas handling forbids, case by case, and against the plant: no helium lost, no burst."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.control.facility.gas_panel import Good
from podium.control.facility.valve_rules import HEATER_MAX_W, forbidden
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD250, LD400, XLD1000
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.start import CIRCULATING_PUMPS, CIRCULATING_VALVES

ALL_SHUT = {signals.open_of(v): 0.0 for v in signals.VALVES} | {
    signals.on_of(p): 0.0 for p in signals.PUMPS
}
BASE = (
    ALL_SHUT
    | {signals.open_of(v): 1.0 for v in CIRCULATING_VALVES}
    | {signals.on_of(p): 1.0 for p in CIRCULATING_PUMPS}
    | {
        f"temperature.{s}": k
        for s, k in zip(signals.STAGES, (43.0, 3.0, 0.72, 0.06, 7e-3), strict=True)
    }
    | {"pressure.p1": 1e-6, "pressure.p2": 6.5, "pressure.p3": 6.1e4, "pressure.p4": 5.8e4}
    | {"pressure.p5": 3e3, "pressure.p6": 1e5, "turbo1.speed": 800.0, "turbo2.speed": 0.0}
    | {"pulse_tube.on": 1.0, "heat_switch.on": 0.0, "compressor.coolant_in": 291.0}
)
"""A cold fridge in usual operation, all of it known."""
WARM = (
    ALL_SHUT
    | {f"temperature.{s}": 295.0 for s in signals.STAGES}
    | {"pressure.p1": 1.0, "pressure.p2": 0.1, "pressure.p3": 0.1, "pressure.p4": 0.1}
    | {"pressure.p5": 8e4, "pressure.p6": 1e5, "turbo1.speed": 0.0, "turbo2.speed": 0.0}
    | {"pulse_tube.on": 0.0, "heat_switch.on": 0.0, "compressor.coolant_in": 291.0}
)
"""A warm one, all shut, the mixture in its tank."""


def valve(name: str) -> str:
    return signals.open_of(name)


def pump(name: str) -> str:
    return signals.on_of(name)


FORBIDDEN = {
    "venting a cold can": (BASE, valve("v15"), 1.0, "warm up first"),
    "pumping a vented line into the can": (
        WARM | {valve("v15"): 1.0, pump("scroll2"): 1.0},
        valve("v14"),
        1.0,
        "shut v15",
    ),
    "venting under pumps": (WARM | {valve("v14"): 1.0}, valve("v15"), 1.0, "shut v14"),
    "the still line to the service line": (BASE, valve("v17"), 1.0, "service line"),
    "the tank to the service line": (WARM, valve("v19"), 1.0, "service line"),
    "a trap in use to the service line": (BASE, valve("v20"), 1.0, "shut v5 and v6"),
    "a trap being cleaned into use": (
        BASE | {valve("v21"): 1.0},
        valve("v7"),
        1.0,
        "shut v21",
    ),
    "the room to the service line under scroll2": (
        WARM | {valve("v16"): 1.0},
        valve("v23"),
        1.0,
        "shut v16",
    ),
    "high pressure to turbo1 by v1": (
        BASE | {valve("v1"): 0.0, "pressure.p2": 5e3},
        valve("v1"),
        1.0,
        "turbo1 may turn",
    ),
    "high pressure to turbo1 by v18": (BASE, valve("v18"), 1.0, "turbo1 may turn"),
    "turbo1 without backing": (WARM, pump("turbo1"), 1.0, "no backing"),
    "turbo2 without backing": (WARM, pump("turbo2"), 1.0, "no backing"),
    "turbo2 against air": (
        WARM | {pump("scroll2"): 1.0, valve("v14"): 1.0, "pressure.p1": 1e4},
        pump("turbo2"),
        1.0,
        "known to be below 100 Pa",
    ),
    "stopping what backs turbo1": (BASE, pump("scroll1"), 0.0, "turbo1 may still turn"),
    "shutting what backs turbo1": (BASE, valve("v3"), 0.0, "turbo1 may still turn"),
    "a turbo that runs down yet": (
        BASE | {pump("turbo1"): 0.0, valve("v1"): 0.0, "turbo1.speed": 400.0},
        pump("scroll1"),
        0.0,
        "turbo1 may still turn",
    ),
    "scroll2 off with the can open to it": (
        WARM | {pump("scroll2"): 1.0, valve("v14"): 1.0},
        pump("scroll2"),
        0.0,
        "shut v14",
    ),
    "both return paths while scroll1 pumps": (BASE, valve("v9"), 0.0, "closed valves"),
    "both return paths while the compressor pumps": (
        BASE | {valve("v10"): 0.0, valve("v13"): 1.0, pump("compressor"): 1.0},
        valve("v6"),
        0.0,
        "compressor would push",
    ),
    "the compressor between shut valves": (WARM, pump("compressor"), 1.0, "closed valves"),
    "the compressor with the whole tank": (
        BASE | {valve("v11"): 1.0},
        pump("compressor"),
        1.0,
        "unmetered",
    ),
    "the compressor against a full line": (
        BASE | {"pressure.p3": 2.1e5},
        pump("compressor"),
        1.0,
        "its outlet",
    ),
    "the bottle into a pumped can": (
        WARM | {pump("scroll2"): 1.0, valve("v14"): 1.0},
        valve("v22"),
        1.0,
        "shut v14",
    ),
    "the bottle into a cold can": (BASE, valve("v22"), 1.0, "collect it first"),
    "the heat switch at base": (BASE, "heat_switch.on", 1.0, "boiled off"),
    "the pulse tube with air in the can": (
        WARM | {"pressure.p1": 1e5},
        "pulse_tube.on",
        1.0,
        "freeze out",
    ),
    "the pulse tube with warm water": (
        WARM | {"compressor.coolant_in": 312.0},
        "pulse_tube.on",
        1.0,
        "cooled first",
    ),
    "a still heater beyond its limit": (BASE, signals.power_of("still"), 0.2, "0.1 W at most"),
    "a heater of a stage that is hot": (
        WARM | {"temperature.second_stage": 320.0},
        signals.power_of("4k"),
        10.0,
        "let it cool",
    ),
    "a strong heater beside condensed mixture": (BASE, signals.power_of("4k"), 5.0, "0.5 W"),
    "the pulse tube off while the compressor pumps": (
        BASE | {pump("compressor"): 1.0},
        "pulse_tube.on",
        0.0,
        "switch it off first",
    ),
    "the compressor without cold": (
        BASE | {"pulse_tube.on": 0.0},
        pump("compressor"),
        1.0,
        "start that first",
    ),
    "half a valve": (WARM, valve("v1"), 0.5, "0 or 1"),
    "the mains": (WARM, "mains.on", 0.0, "nothing that can be set"),
    "no number": (WARM, signals.power_of("still"), float("nan"), "not negative"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_is_dangerous_is_forbidden_with_the_remedy(case: str) -> None:
    view, signal, value, says = FORBIDDEN[case]
    assert says in forbidden(signal, value, view)


UNKNOWN = {
    "a stage that may be cold": (WARM, valve("v15"), 1.0, "temperature.still"),
    "a valve that may be open": (
        BASE | {valve("v5"): 0.0, valve("v6"): 0.0, valve("v12"): 1.0},
        valve("v20"),
        1.0,
        valve("v6"),
    ),
    "a pressure that may be high": (BASE | {valve("v1"): 0.0}, valve("v1"), 1.0, "pressure.p2"),
    "a turbo that may turn": (
        WARM | {pump("scroll1"): 1.0, valve("v4"): 1.0, valve("v11"): 1.0, valve("v1"): 1.0},
        pump("scroll1"),
        0.0,
        "turbo1.speed",
    ),
    "a pump that may stand": (
        WARM | {pump("scroll2"): 1.0, valve("v14"): 1.0},
        pump("turbo2"),
        1.0,
        pump("scroll2"),
    ),
    "a can that may be vented": (WARM, "pulse_tube.on", 1.0, "pressure.p1"),
    "a stage that may be too hot": (WARM, signals.power_of("4k"), 5.0, "temperature.second_stage"),
}


@pytest.mark.parametrize("case", UNKNOWN)
@pytest.mark.parametrize("gone", ["no good value", "not measured"])
def test_what_is_not_known_counts_as_dangerous(case: str, gone: str) -> None:
    view, signal, value, unknown = UNKNOWN[case]
    assert not forbidden(signal, value, view)
    without = dict(view) | {unknown: None}
    if gone == "not measured":
        del without[unknown]
    assert forbidden(signal, value, without)


ALLOWED: dict[str, tuple[Good, str, float]] = {
    "cleaning trap 1 while trap 2 is in use": (
        BASE | {valve("v5"): 0.0, valve("v6"): 0.0, valve("v7"): 1.0, valve("v8"): 1.0},
        valve("v20"),
        1.0,
    ),
    "the other trap beside a plugged one": (BASE, valve("v7"), 1.0),
    "stopping the pulse tube": (BASE, "pulse_tube.on", 0.0),
    "stopping turbo1": (BASE, pump("turbo1"), 0.0),
    "shutting the still off": (BASE, valve("v1"), 0.0),
    "the still's usual heat": (BASE, signals.power_of("still"), 12e-3),
    "no heat, whatever is known": ({}, signals.power_of("still"), 0.0),
    "what is so already": (BASE | {valve("v17"): 1.0}, valve("v17"), 1.0),
    "venting a warm can": (WARM, valve("v15"), 1.0),
    "a running pulse tube's gauge is lost": (
        BASE | {"pressure.p1": None, "pulse_tube.on": 0.0},
        "pulse_tube.on",
        1.0,
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_usual_is_allowed(case: str) -> None:
    view, signal, value = ALLOWED[case]
    assert forbidden(signal, value, view) == ""


def test_with_nothing_known_nothing_opens_but_an_outlet_of_a_pump() -> None:
    opened = [v for v in signals.VALVES if not forbidden(valve(v), 1.0, {})]
    assert opened == ["v4"]


# --- against the plant ----------------------------------------------------------------

OPERATIONS = st.one_of(
    st.tuples(
        st.sampled_from([*map(valve, signals.VALVES), *map(pump, signals.PUMPS)]),
        st.sampled_from([0.0, 1.0]),
    ),
    st.tuples(st.sampled_from(["pulse_tube.on", "heat_switch.on"]), st.sampled_from([0.0, 1.0])),
    st.sampled_from(list(HEATER_MAX_W)).flatmap(
        lambda heater: st.tuples(
            st.just(signals.power_of(heater)), st.floats(0.0, 1.5 * HEATER_MAX_W[heater])
        )
    ),
)
WAITS_S = st.sampled_from([0, 1, 10, 60, 600, 3600])
FAULTS = st.sampled_from([None, None, None, "compressor_trip", "power_cut", "plug", "turbo_stop"])
"""Without ``leak``: it loses mixture by itself."""
HIDDEN = st.one_of(
    st.just(frozenset[str]()), st.frozensets(st.sampled_from(list(signals.OUTPUTS)), max_size=20)
)
"""Readings that are not good."""
MODELS = st.sampled_from([LD250, LD400, XLD1000])
EPS_MOL = 1e-9


def good_values(plant: Cryostat, now_fs: int, hidden: frozenset[str]) -> dict[str, float]:
    return {n: plant.read(n, now_fs) for n in signals.OUTPUTS if n not in hidden}


@settings(max_examples=cases(15, 300), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_sequence_of_allowed_operations_loses_helium_or_bursts_the_disc(
    data: st.DataObject,
) -> None:
    plant = Cryostat(data.draw(MODELS), 0, start=data.draw(st.sampled_from(["cold", "warm"])))
    now_fs, done = 0, []
    for operations, wait_s, fault, hidden in data.draw(
        st.lists(
            st.tuples(st.lists(OPERATIONS, min_size=1, max_size=40), WAITS_S, FAULTS, HIDDEN),
            max_size=8,
        )
    ):
        for signal, value in operations:
            view = good_values(plant, now_fs, hidden)
            if not forbidden(signal, value, view):
                plant.write(signal, value, now_fs)
                done.append((signal, value))
        if fault is not None:
            plant.fault(fault, now_fs)
        if fault in ("compressor_trip", "power_cut"):  # the interlock compressor_without_cold
            plant.write(pump("compressor"), 0.0, now_fs)
        now_fs += wait_s * FS_PER_S
        state = plant.state(now_fs)
        assert state.lost_mol <= EPS_MOL, done
        highest = max(state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa)
        assert highest < plant.parameters.gas.burst_pa, done
