"""Quantum links of the facility file: what they come to, and what is said when they are wrong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from podium.control.commands.params_words import elements_of
from podium.control.facility.load import load_facility, load_with_remarks

EXAMPLES = Path(__file__).parents[3] / "examples"
LINKED = EXAMPLES / "linked" / "facility.yaml"
MODE = (
    "frequency: {value: 8.400 GHz, spread: 0.2 MHz, assumed: true}\n        kappa: {value: 13.5 MHz"
)
LINE = (
    "  node_b.q0.sideband: {output: cluster_b.slot4.out1, lo: 3.60 GHz, line_attenuation: 40 dB}\n"
)

CASES = [
    (
        "an end that is not linked",
        "      node_b:\n        qubit: q0\n        frequency",
        "      node_c:\n        qubit: q0\n        frequency",
        "node_c:\n        qubit",
        "'node_c' is not linked by link_ab, whose ends are node_a or node_b",
    ),
    (
        "a qubit that there is not",
        "      node_b:\n        qubit: q0\n",
        "      node_b:\n        qubit: q1\n",
        "q1\n",
        "node_b has no qubit 'q1'",
    ),
    (
        "a carrier beyond a resonator",
        "frequency: 8.400 GHz\n",
        "frequency: 8.425 GHz\n",
        "8.425",
        "the carrier is out of reach: node_a reaches 8.3890 to 8.4110 GHz",
    ),
    (
        "no carrier",
        "    frequency: 8.400 GHz\n",
        "",
        "link_ab:\n    ends",
        "photons need a carrier: add 'frequency', e.g. 8.400 GHz",
    ),
    (
        "resonators that do not meet",
        MODE,
        MODE.replace("8.400", "8.460"),
        "transfer:\n",
        "the two transfer resonators do not meet",
    ),
    (
        "a sideband without a line",
        LINE,
        "",
        "node_b:\n        qubit",
        "nothing drives f0-g1: 'node_b.q0.sideband' is not wired; add it under 'wiring', with an "
        "output and an lo of its own near 3.49 GHz",
    ),
    (
        "a sideband that its line does not reach",
        "lo: 3.60 GHz",
        "lo: 5.60 GHz",
        "5.60",
        "f0-g1 of q0 of 3.49 GHz ± 30.6",
    ),
    (
        "photons faster than a resonator",
        "bandwidth: 10.4 MHz",
        "bandwidth: 12 MHz",
        "{value: 10.4 MHz",
        "photons of 12 MHz (bandwidth) are faster than this resonator, which lets out 10.4 MHz",
    ),
    ("a loss of everything", "loss: {value: 0.23", "loss: {value: 1.2", "{value: 1.2", "below 1"),
    (
        "a time of flight that is negative",
        "delay: {value: 4.5 ns",
        "delay: {value: -4.5 ns",
        "{value: -4.5",
        "0 ns or more",
    ),
    (
        "a sideband of a qubit that is not linked",
        "qubit: q0\n        frequency: {value: 8.400 GHz, spread: 0.2 MHz, assumed: true}\n"
        "        kappa: {value: 13.5",
        "qubit: q7\n        frequency: {value: 8.400 GHz, spread: 0.2 MHz, assumed: true}\n"
        "        kappa: {value: 13.5",
        "node_b.q0.sideband: {",
        "there is no port 'node_b.q0.sideband'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_what_is_wrong_with_a_link_names_its_place(
    old: str, new: str, at: str, says: str, refuses_in: Callable[..., None]
) -> None:
    partial(refuses_in, LINKED)(old, new, at, says)


@pytest.mark.parametrize("name", ["facility.yaml", "facility_mixed.yaml"])
def test_the_ends_of_a_link_have_sideband_lines_of_their_own(name: str) -> None:
    facility = load_facility(LINKED.with_name(name))
    link = facility.links["link_ab"]
    first, second = link.transfer
    assert (first.name, first.qubit, second.name) == ("link_ab.a", "node_a.q0", "link_ab.b")
    assert first.design["kappa"].value == 10.4e6
    assert link.design["loss"].value == 0.23
    for end in link.transfer:
        drive = facility.wiring[f"{end.qubit}.drive"]
        sideband = facility.drive_wiring(end.sideband_port)
        assert sideband.output != drive.output
        assert sideband.lo_hz != drive.lo_hz
    assert {"link_ab", "link_ab.a", "link_ab.b"} <= elements_of(facility)


def test_a_link_of_which_nothing_is_said_stays_a_word() -> None:
    facility = load_facility(EXAMPLES / "two_nodes" / "facility.yaml")
    assert facility.links["link_ab"].transfer == ()


def test_a_phase_reference_that_is_too_weak_is_remarked(tmp_path: Path) -> None:
    assert load_with_remarks(LINKED)[1] == ()
    weak = tmp_path / "facility.yaml"
    weak.write_text(LINKED.read_text().replace("jitter: 2.5 ps", "jitter: 13 ps"))
    (remark,) = load_with_remarks(weak)[1]
    assert "39 degrees at 8.4 GHz" in str(remark)
