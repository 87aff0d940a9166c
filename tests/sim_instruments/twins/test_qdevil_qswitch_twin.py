"""The twin of the QSwitch by its messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.qdevil_qswitch import (
    LINES,
    RESET,
    TAPS,
    channel_list_of,
    relays_of,
    takes_datagrams,
)
from podium.sim_instruments.servers.cabling import Cabling, check_sources
from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2
from podium.sim_instruments.twins.qdevil_qswitch import QdevilQswitch
from podium.sim_instruments.wiring import PlanError, plan_of

relays = st.tuples(st.sampled_from(LINES), st.sampled_from(TAPS))


def asking(twin: QdevilQswitch):
    return lambda message: twin.hear("scpi", f"{message}\n".encode(), 0).decode().strip()


@pytest.fixture
def twin() -> QdevilQswitch:
    return QdevilQswitch("2")


@pytest.fixture
def ask(twin):
    return asking(twin)


@given(st.frozensets(relays))
def test_a_list_of_relays_says_which_they_are(closed) -> None:
    assert frozenset(relays_of(channel_list_of(closed))) == closed


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("clos (@0!1)", '-222,"Data out of range"'),
        ("clos (@25!1)", '-222,"Data out of range"'),
        ("clos (@1!10)", '-222,"Data out of range"'),
        ("open (@1!1:1!9)", '-171,"Invalid expression"'),
        ("clos (@5!1:2!1)", '-171,"Invalid expression"'),
        ("clos (@1)", '-171,"Invalid expression"'),
        ("clos (@1!2!3)", '-171,"Invalid expression"'),
        ("clos 1!2", '-121,"Invalid character in number"'),
        ("clos", '-109,"Missing parameter"'),
        ("aut maybe", '-141,"Invalid character data"'),
        ("rout:scan (@1!1)", '-113,"Undefined header"'),
        ("clos (@1!1:24!1,1!2:17!2)", '-221,"Settings conflict"'),
    ],
)
def test_what_is_refused_switches_nothing(ask, twin, command, error) -> None:
    assert ask(command) == ""
    assert ask("syst:err:coun?") == "1"
    assert ask("next?") == error
    assert ask("all?") == '0,"No error"'
    assert twin.closed == RESET


def test_forty_breakouts_may_be_closed_ground_and_input_beside_them(ask) -> None:
    ask("clos (@1!1:24!1,1!2:16!2,1!9:24!9)")
    assert ask("all?") == '0,"No error"'
    ask("clos (@1!1)")  # it is closed already
    ask("clos (@20!8)")
    assert ask("all?") == '-221,"Settings conflict"'
    assert ask("clos? (@20!8,16!2,24!9)") == "0,1,1"


def test_rst_grounds_all_lines_and_forgets_autosave(ask, twin) -> None:
    ask("clos (@3!9,3!1);open (@3!0);:aut on")
    assert ask("stat?;aut?") == "(@1!0:2!0,4!0:24!0,3!9,3!1);on"
    ask("*rst")
    assert ask("stat?;aut?") == "(@1!0:24!0);off"
    assert twin.closed == RESET


def test_what_was_saved_outlives_power_and_a_restart(ask, twin) -> None:
    ask("clos (@3!9)")
    twin.power_cycle(0)
    assert ask("stat?") == "(@1!0:24!0)"
    ask("aut on;:clos (@3!9)")
    twin.power_cycle(0)
    ask("syst:rest")
    assert ask("stat?") == "(@1!0:24!0,3!9)"


def test_a_stuck_relay_is_not_seen_by_the_box(ask, twin) -> None:
    twin.stuck = frozenset({(3, 0)})
    ask("open (@3!0)")
    assert ask("open? (@3!0)") == "1"
    assert (3, 0) in twin.closed


def test_its_port_is_of_its_firmware() -> None:
    assert [takes_datagrams(release) for release in ("0.178", "1.3", "1.9", "2.0")] == [
        False,
        False,
        True,
        True,
    ]
    old, new = QdevilQswitch("1", "1.3"), QdevilQswitch("1", "2.0")
    assert old.open("scpi").feed(b"*idn?\n", 0) == b"Quantum Machines,QSwitch,1,1.3\n"
    assert new.hear("scpi", b"*idn?\n", 0) == b"Quantum Machines,QSwitch,1,2.0\n"
    with pytest.raises(KeyError, match="none but UDP"):
        new.open("scpi")
    with pytest.raises(KeyError, match="no UDP port"):
        old.hear("scpi", b"*idn?\n", 0)


def test_a_message_without_its_end_is_none(twin) -> None:
    assert twin.hear("scpi", b"*idn?", 0) == b""
    assert asking(twin)("*opc?") == "1"


PLAN = {
    "facility": "lab",
    "instruments": {
        "bias": {"model": "qdevil_qdac2"},
        "switch": {"model": "qdevil_qswitch", "flux_lines": {7: "node_a.q0.flux"}},
    },
    "wiring": {
        f"node_a.q{n}.flux": {"source": f"bias.ch0{n + 1}", "limit": "1 V", "slew": "1 V/s"}
        for n in range(2)
    },
}


def test_a_flux_line_through_it_has_its_bias_while_its_input_is_closed() -> None:
    plan, bias = plan_of(PLAN), QdevilQdac2("1")
    switch = QdevilQswitch("2", flux_lines={7: "node_a.q0.flux"})
    twins = {"bias": bias, "switch": switch}
    check_sources(plan, twins)
    bias.open("scpi").feed(b"sour:volt 0.5,(@1,2)\n", 0)
    q0, q1 = "node_a.q0.flux", "node_a.q1.flux"
    near = pytest.approx(0.5, abs=2e-5)
    ask = asking(switch)
    assert Cabling.at(plan, twins, (), 0).biases_v == {q0: 0.0, q1: near}
    ask("clos (@7!9);open (@7!0)")
    assert Cabling.at(plan, twins, (), 0).biases_v == {q0: near, q1: near}
    switch.stuck = frozenset({(7, 9)})
    ask("open (@7!9)")
    assert Cabling.at(plan, twins, (), 0).biases_v[q0] == near


def test_a_line_through_it_that_there_is_not_is_refused() -> None:
    twins = {
        "bias": QdevilQdac2("1"),
        "switch": QdevilQswitch("2", flux_lines={7: "node_a.q9.flux"}),
    }
    with pytest.raises(
        PlanError, match=r"instruments.switch.flux_lines: node_a.q9.flux is no flux"
    ):
        check_sources(plan_of(PLAN), twins)
