"""Errors in instruments and references: each has its place and says what would be right."""

from collections.abc import Callable

import pytest

Refuses = Callable[[str, str, str, str], None]

Q0_FLUX = "node_a.q0.flux: {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}"
BIAS = 'address: "TCPIP::192.168.0.4::7655::SOCKET"'

CASES = [
    (
        "an unknown model",
        "model: yokogawa_gs200",
        "model: yokogawa_gs20",
        "yokogawa_gs20\n",
        "no model is called 'yokogawa_gs20'; did you mean 'yokogawa_gs200'?",
    ),
    (
        "two instruments on one address",
        BIAS,
        'address: "TCPIP::192.168.0.5::5025::SOCKET"',
        '"TCPIP::192.168.0.5::5025::SOCKET"\n\n#',
        "TCPIP::192.168.0.5::5025::SOCKET is also the address of bias_q0 (line of bias_q0:)",
    ),
    (
        "a VISA resource for the port of a cluster",
        BIAS,
        'address: "TCPIP0::192.168.0.2::5025::SOCKET"',
        '"TCPIP0::192',
        "is also the address of cluster_a (line of cluster_a:)",
    ),
    (
        "a host for a VISA resource",
        BIAS,
        "address: 192.168.0.4",
        "192.168.0.4\n",
        "a GS200 takes a VISA resource; write 'TCPIP::192.168.0.4::7655::SOCKET'",
    ),
    ("a garbled resource", BIAS, "address: TCPIP:x", "TCPIP:x", "is no VISA resource"),
    (
        "a port that cannot be",
        BIAS,
        BIAS.replace("7655", "76550"),
        '"TCPIP::192.168.0.4',
        "is no VISA resource",
    ),
    (
        "an address that is none",
        "address: 192.168.0.2",
        "address: 192.168.0.222.1",
        "192.168.0.222.1",
        "is no address of a Cluster; write an IP address or a host name",
    ),
    ("an option", "modules: {2", "moduls: {2", "moduls", "did you mean 'modules'?"),
    (
        "an option that is missing",
        "channels: {5: still, 6: mixing_chamber}",
        "",
        "thermometry_a:\n",
        "'channels' is missing: measurement input: stage of the fridge",
    ),
    ("a module", "2: QRM-RF", "2: QRM_RF", "QRM_RF", "did you mean 'QRM-RF'?"),
    ("a slot", "{2: QRM-RF", "{21: QCM, 2: QRM-RF", "21: QCM", "a whole number from 1 to 20"),
    (
        "a channel's name given twice",
        "5: still",
        "5: mixing_chamber",
        "mixing_chamber}\n  bias",
        "'mixing_chamber' is already the name of 5",
    ),
    (
        "an instrument that isn't there",
        "source: bias_q0",
        "source: bias_q1",
        "bias_q1",
        "there is no instrument 'bias_q1'; did you mean 'bias_q0'?",
    ),
    (
        "a thermometer's channel",
        "thermometry_a.mixing_chamber",
        "thermometry_a.mxc",
        "thermometry_a.mxc",
        "thermometry_a has no channel 'mxc'; there is still, mixing_chamber",
    ),
    (
        "a thermometer that is none",
        "thermometry_a.mixing_chamber",
        "bias_q0.mixing_chamber",
        "bias_q0.mixing_chamber",
        "bias_q0 is no thermometer; thermometers here: thermometry_a",
    ),
    ("a fridge", "fridge: fridge_a", "fridge: fridge_b", "fridge_b", "mean 'fridge_a'?"),
    ("a clock of a node", "clock: house", "clock: horse", "horse", "did you mean 'house'?"),
    (
        "a clock's source",
        "source: cluster_a}",
        "source: cluster_b}",
        "cluster_b",
        "there is no instrument or clock 'cluster_b'; did you mean 'cluster_a'?",
    ),
    (
        "a clock that tells no time",
        "source: cluster_a}",
        "source: bias_q0}",
        "bias_q0}",
        "bias_q0 tells no time; instruments that do: cluster_a",
    ),
    (
        "a node's clock that gives ticks and no time",
        "source: cluster_a}",
        "source: lo_q2}",
        "house\n    chip",
        "lo_q2, the source of 'house', gives ticks and no time",
    ),
    (
        "a cycle of clocks",
        "house: {source: cluster_a}",
        "house: {source: other}\n  other: {source: house}",
        "other}",
        "the clock follows itself: house <- other <- house",
    ),
    (
        "a qubit on a feedline",
        "[q0, q1, q2]",
        "[q0, q1, q2, q3]",
        "q3]",
        "node_a has no qubit 'q3'",
    ),
    (
        "a qubit read twice",
        "[q0, q1, q2]",
        "[q0, q1, q2, q1]",
        "q1]",
        "'q1' is already read by 'feedline'",
    ),
    (
        "a qubit that nothing reads",
        "[q0, q1, q2]",
        "[q0, q1]",
        "q2:\n        kind",
        "no feedline reads 'q2'",
    ),
    (
        "a qubit that is not wired",
        Q0_FLUX,
        "",
        "q0:\n        kind",
        "'node_a.q0.flux' is not wired",
    ),
    (
        "a link to a node that isn't there",
        "wiring:\n",
        "links:\n  link_ab: {ends: [node_a, node_b]}\n\nwiring:\n",
        "node_b]",
        "there is no node or hub 'node_b'; did you mean 'node_a'?",
    ),
    (
        "a link with one end",
        "wiring:\n",
        "links:\n  loop: {ends: [node_a]}\n\nwiring:\n",
        "[node_a]}",
        "two different nodes",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_a_wrong_instrument_or_reference_names_its_place_and_what_would_be_right(
    old: str, new: str, at: str, says: str, refuses: Refuses
) -> None:
    refuses(old, new, at, says)
