"""What can be wired to instruments of Zurich Instruments, and what is refused."""

from pathlib import Path

import pytest

from podium.control.compilers.zurich.target import DriveChannel, ReadoutChannel
from podium.control.facility.load import load_facility
from podium.control.families.zurich.targets import zurich_targets_of

ZI = Path(__file__).parents[3] / "examples" / "first_light_zi" / "facility.yaml"

Q1_DRIVE = "output: zi_a.dev12000.sg2"

CASES = [
    (
        "a channel that isn't there",
        Q1_DRIVE,
        "output: zi_a.dev12000.sg6",
        "zi_a.dev12000.sg6",
        "zi_a has no connector 'dev12000.sg6'; did you mean",
    ),
    (
        "a serial number that isn't there",
        Q1_DRIVE,
        "output: zi_a.dev12001.sg2",
        "zi_a.dev12001.sg2",
        "zi_a has no module in 'dev12001'; there is dev12000",
    ),
    (
        "two frequencies on one synthesizer",
        Q1_DRIVE,
        "output: zi_a.dev12000.sg1",
        "5.6 GHz",
        "zi_a.dev12000.sg1 shares its oscillator with node_a.q0.drive (line ",
    ),
    (
        "a centre frequency between steps",
        "lo: 7.0 GHz",
        "lo: 7.13 GHz",
        "7.13 GHz",
        "7.13 GHz is not possible: 1 GHz to 8 GHz in steps of 200 MHz; the nearest is 7.2 GHz",
    ),
    (
        "a range between steps",
        "output_attenuation: 35 dB",
        "output_attenuation: 33 dB",
        "33 dB",
        "33 dB is not possible: 0 dB to 40 dB in steps of 5 dB; the nearest is 35 dB",
    ),
    (
        "a readout on a generator",
        "output: zi_a.dev12000.qa0_out",
        "output: zi_a.dev12000.sg5",
        "zi_a.dev12000.qa0_in",
        "zi_a.dev12000.qa0_in has another oscillator than zi_a.dev12000.sg5; take both of one",
    ),
    (
        "a model that there is none of",
        "{12000: SHFQC}",
        "{12000: SHFQX}",
        "SHFQX",
        "'SHFQX' is not known; did you mean",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_what_is_wrong_is_said_at_its_place(refuses_in, case) -> None:
    _, old, new, at, says = case
    refuses_in(ZI, old, new, at, says)


def test_attenuations_of_the_file_are_ranges_of_the_instrument() -> None:
    (target,) = zurich_targets_of(load_facility(ZI))["zi_a"]
    assert (target.instrument, target.model) == ("zi_a.dev12000", "SHFQC")
    assert target.ports["node_a.q1.drive"] == DriveChannel(2, 5.6e9, 5.0)
    feedline = ReadoutChannel(0, 7e9, -25.0, -15.0)
    assert target.ports["node_a.feedline"] == target.ports["node_a.q2.readout"] == feedline
