"""Cables of ZSync and outputs for flux pulses in the facility file, and what is refused of them."""

from pathlib import Path

import pytest

from podium.control.compilers.zurich.target import FluxChannel
from podium.control.facility.facility import FluxPulses
from podium.control.facility.load import load_facility
from podium.control.families.zurich.targets import pqscs_of, zurich_targets_of
from podium.firmware_interfaces.zurich.rack import ZSyncPort

RACK = Path(__file__).parents[3] / "examples" / "zi_rack" / "facility.yaml"
CABLES = "zsync: {0: dev12001, 1: dev12002, 2: dev8001}"
Q0_PULSES = "output: zi_a.dev8001.sigout0"

CASES = [
    (
        "an instrument that isn't there",
        CABLES,
        "zsync: {0: dev12001, 1: dev12003, 2: dev8001}",
        "dev12003",
        "'dev12003' is not there; did you mean",
    ),
    (
        "a number",
        CABLES,
        "zsync: {0: 12001}",
        "12001}",
        "a word is wanted here, not 12001",
    ),
    (
        "the PQSC on its own port",
        CABLES,
        "zsync: {0: dev10001}",
        "dev10001}",
        "'dev10001' is the PQSC itself",
    ),
    (
        "one instrument on two ports",
        CABLES,
        "zsync: {0: dev12001, 1: dev12001}",
        "dev12001}",
        "'dev12001' is already the name of 0",
    ),
    (
        "a port that there is none of",
        CABLES,
        "zsync: {18: dev12001}",
        "18",
        "18 is not a whole number from 0 to 17",
    ),
    (
        "cables without a PQSC",
        "10001: PQSC",
        "10001: SHFSG8",
        "zsync",
        "cables of one PQSC are written here; behind this data server there is none",
    ),
    (
        "pulses from an output of another kind",
        Q0_PULSES,
        "output: zi_a.dev12002.sg1",
        "zi_a.dev12002.sg1",
        "zi_a.dev12002.sg1 is an RF output; an output for pulses of a voltage is wanted, those "
        "here: zi_a.dev8001.sigout0",
    ),
    (
        "one output for two lines",
        "output: zi_a.dev8001.sigout2",
        Q0_PULSES,
        "zi_a.dev8001.sigout0\n",
        "zi_a.dev8001.sigout0 is already the output of node_a.q0.flux",
    ),
    (
        "a range that there is none of",
        "range: 2 V                      # from peak to peak",
        "range: 2.5 V",
        "2.5 V",
        "2.5 V is no range of zi_a.dev8001.sigout0: 200 mV, 400 mV",
    ),
    (
        "a bias from an output for pulses",
        "source: bias_q0",
        "source: zi_a.dev8001.sigout1",
        "zi_a.dev8001.sigout1",
        "zi_a.dev8001.sigout1 is an output for pulses of a voltage; an output for a static voltage",
    ),
    (
        "a range of nothing",
        f"    {Q0_PULSES}    # pulses, which a bias tee adds to the bias\n",
        "",
        "range: 2 V                      # from",
        "'range' belongs to an output for pulses; name it by 'output'",
    ),
    (
        "pulses without a range",
        "    range: 2 V                      # from peak to peak\n",
        "",
        "node_a.q0.flux",
        "zi_a.dev8001.sigout0 plays pulses: 'range' is missing",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_what_is_wrong_is_said_at_its_place(refuses_in, case) -> None:
    _, old, new, at, says = case
    refuses_in(RACK, old, new, at, says)


def test_the_file_says_who_starts_what_and_what_plays_pulses() -> None:
    facility = load_facility(RACK)
    pqsc = pqscs_of(facility)["zi_a"]
    assert pqsc.device == "dev10001"
    assert pqsc.ports[1:] == (ZSyncPort(1, "dev12002"), ZSyncPort(2, "dev8001"))
    pulses = facility.flux_wiring("node_a.q1.flux").pulses
    assert pulses is not None
    assert (str(pulses.output), pulses.range_v) == ("zi_a.dev8001.sigout2", 2.0)
    assert isinstance(pulses, FluxPulses)
    hdawg = next(one for one in zurich_targets_of(facility)["zi_a"] if one.model == "HDAWG4")
    assert hdawg.ports["node_a.q1.flux"] == FluxChannel(2, 2.0)
    assert hdawg.flux_rate_hz == 2e9, "as the SHF instruments beside it"
