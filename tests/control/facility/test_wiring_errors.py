"""Errors in wiring and design values: each has its place and says what would be right."""

from collections.abc import Callable

import pytest

Refuses = Callable[[str, str, str, str], None]

Q0_FLUX = "node_a.q0.flux: {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}"

Q0_SAFE = "node_a.q0.flux: {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s, safe: "

CASES = [
    (
        "a safe rule",
        Q0_FLUX,
        f"{Q0_SAFE}holt}}",
        "holt",
        "'holt': it is no safe rule; that is 'hold', 'finish' or a level like '0 V'; did you mean "
        "'hold'?",
    ),
    (
        "a safe level without a unit",
        Q0_FLUX,
        f"{Q0_SAFE}0}}",
        "0}",
        "that is 'hold', 'finish' or a level like '0 V'; 0 has no unit",
    ),
    (
        "a safe level beyond the limit",
        Q0_FLUX,
        f"{Q0_SAFE}-1.3 V}}",
        "-1.3 V",
        "-1.3 V is beyond the limit of this bias: from -1.2 V to 1.2 V; or 'hold', or 'finish'",
    ),
    (
        "a port that isn't there",
        Q0_FLUX,
        f"{Q0_FLUX}\n  node_a.q4.flux: {{source: bias_q0, limit: 1 V, slew: 1 V/s}}",
        "node_a.q4.flux",
        "there is no port 'node_a.q4.flux'; did you mean",
    ),
    (
        "a readout port that is wired",
        Q0_FLUX,
        f"{Q0_FLUX}\n  node_a.q0.readout: {{output: cluster_a.slot2.out0}}",
        "node_a.q0.readout",
        "wire the feedline instead",
    ),
    (
        "a port that is none",
        Q0_FLUX,
        f"{Q0_FLUX}\n  flux: {{}}",
        "flux: {}",
        "ports are called NODE.FEEDLINE",
    ),
    (
        "a node of a port",
        Q0_FLUX,
        f"{Q0_FLUX}\n  node_b.feedline: {{}}",
        "node_b.feedline",
        "'output' is missing",
    ),
    (
        "a connector",
        "output: cluster_a.slot4.out1",
        "output: cluster_a.slot4.out2",
        "cluster_a.slot4.out2",
        "cluster_a has no connector 'slot4.out2'; did you mean",
    ),
    (
        "a slot with nothing in it",
        "output: cluster_a.slot4.out1",
        "output: cluster_a.slot5.out1",
        "cluster_a.slot5.out1",
        "cluster_a has no module in 'slot5'; there is slot2, slot4, slot6",
    ),
    (
        "an instrument without its connector",
        "cluster_a.slot4.out1",
        "cluster_a",
        "cluster_a\n",
        "say which connector of cluster_a, e.g. 'cluster_a.slot2.out0'",
    ),
    (
        "a connector of a box with one",
        "source: bias_q0",
        "source: bias_q0.out",
        "bias_q0.out",
        "bias_q0 has one connector only; write 'bias_q0'",
    ),
    (
        "a connector of another kind",
        "output: cluster_a.slot2.out0",
        "output: cluster_a.slot6.out1",
        "cluster_a.slot6.out1",
        "is an output for a static voltage; an RF output is wanted, those here: "
        "cluster_a.slot2.out0, cluster_a.slot4.out0, cluster_a.slot4.out1",
    ),
    (
        "two lines on one output",
        "output: cluster_a.slot4.out1",
        "output: cluster_a.slot4.out0",
        "cluster_a.slot4.out0\n    lo: 5.61",
        "cluster_a.slot4.out0 is already the output of node_a.q0.drive "
        "(line of cluster_a.slot4.out0)",
    ),
    (
        "a bias on the I output of a drive",
        "source: cluster_a.slot6.out2",
        "source: cluster_a.slot6.out1",
        "cluster_a.slot6.out1",
        "cluster_a.slot6.out1 is already the output of node_a.q2.drive",
    ),
    (
        "a frequency outside a module's range",
        "lo: 5.61 GHz",
        "lo: 19 GHz",
        "19 GHz",
        "19 GHz is not possible: 2 GHz to 18 GHz; the nearest is 18 GHz",
    ),
    (
        "an attenuation between two steps",
        "output_attenuation: 30 dB",
        "output_attenuation: 31 dB",
        "31 dB",
        "31 dB is not possible: 0 dB to 60 dB in steps of 2 dB; the nearest is 3",
    ),
    (
        "an attenuation of an input",
        "input_attenuation: 0 dB",
        "input_attenuation: 40 dB",
        "40 dB",
        "0 dB to 30 dB in steps of 2 dB; the nearest is 30 dB",
    ),
    (
        "an input of another module",
        "input: cluster_a.slot2.in0",
        "input: cluster_a.slot8.in0",
        "cluster_a.slot8.in0",
        "has no module in 'slot8'",
    ),
    (
        "a modulator that is none",
        "modulator: lo_q2",
        "modulator: bias_q0",
        "bias_q0\n",
        "a microwave source with an IQ modulator is wanted, those here: lo_q2",
    ),
    (
        "no modulator",
        "    modulator: lo_q2\n",
        "",
        "node_a.q2.drive",
        "cluster_a.slot6.out0_1 is baseband: 'modulator' is missing",
    ),
    (
        "a modulator where none is needed",
        "lo: 5.61 GHz",
        "lo: 5.61 GHz\n    modulator: lo_q2",
        "modulator: lo_q2\n    output",
        "mixes up by itself: it takes no 'modulator'",
    ),
    (
        "an attenuator that is not there",
        "power: 0 dBm",
        "power: 0 dBm\n    output_attenuation: 2 dB",
        "output_attenuation: 2 dB",
        "has no attenuator of its own",
    ),
    ("a power out of range", "power: 0 dBm", "power: 30 dBm", "30 dBm", "the nearest is 25"),
    (
        "a limit beyond the output",
        "out3, limit: 1.2 V",
        "out3, limit: 3 V",
        "3 V,",
        "3 V is not possible: -2.5 V to 2.5 V; the nearest is 2.5 V",
    ),
    (
        "a limit of zero",
        "out3, limit: 1.2 V",
        "out3, limit: 0 V",
        "0 V, slew",
        "it must be above zero",
    ),
    (
        "a drive that does not reach its qubit",
        "lo: 5.61 GHz",
        "lo: 6.2 GHz",
        "6.2 GHz",
        "node_a.q1's f01 of 5.71 GHz ± 120 MHz (3 spreads) is out of reach: the output covers "
        "5.7 GHz to 6.7 GHz; an lo of 5330 MHz to 5911 MHz would do",
    ),
    (
        "a drive that does not reach f12",
        "lo: 4.96 GHz",
        "lo: 5.27 GHz",
        "5.27 GHz",
        "node_a.q2's f12 (f01 + anharmonicity) of 4.877 GHz ± 120.599 MHz (3 spreads)",
    ),
    (
        "a feedline that does not reach a resonator",
        "lo: 7.13 GHz",
        "lo: 7.4 GHz",
        "7.4 GHz",
        "q2's readout_frequency of 6.84 GHz ± 24 MHz (3 spreads) is out of reach: the output "
        "covers 6.9 GHz to 7.9 GHz; an lo of 6784 MHz to 7316 MHz would do",
    ),
    (
        "resonators too far apart",
        "readout_frequency: {value: 6.84 GHz",
        "readout_frequency: {value: 6.1 GHz",
        "7.13 GHz",
        "no lo reaches all that is on this line",
    ),
    (
        "a sweet spot beyond the limit",
        Q0_FLUX,
        Q0_FLUX.replace("1.2 V", "0.2 V"),
        "{value: 0 V",
        "the sweet spot may lie at 300 mV (3 spreads), beyond the limit",
    ),
    (
        "an anharmonicity above zero",
        "value: -175 MHz",
        "value: 175 MHz",
        "{value: 175",
        "a transmon's anharmonicity is below zero",
    ),
    ("a time of zero", "t1: {value: 33 us", "t1: {value: 0 us", "{value: 0 us", "above zero"),
    (
        "a coherence longer than can be",
        "t2_echo: {value: 40 us",
        "t2_echo: {value: 80 us",
        "{value: 80 us",
        "it cannot exceed twice t1, 66 us",
    ),
    ("a chi of zero", "value: -1.25 MHz", "value: 0 MHz", "{value: 0 MHz", "not be zero"),
    (
        "an asymmetry",
        "asymmetry: {value: 0.4,",
        "asymmetry: {value: 1,",
        "{value: 1,",
        "0 or more and below 1",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_wrong_wiring_names_its_place_and_what_would_be_right(
    old: str, new: str, at: str, says: str, refuses: Refuses
) -> None:
    refuses(old, new, at, says)
