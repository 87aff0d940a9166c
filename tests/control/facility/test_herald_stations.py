"""Herald stations of the facility file: what they come to, and what is said when they are wrong."""

from pathlib import Path

import pytest
from tests.benches.facility.edited_example import refusal_of

from podium.control.agent.owners import owners_of
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.control.families.qblox.targets import targets_of

OPTICAL = Path(__file__).parents[3] / "examples" / "linked" / "facility_optical.yaml"
CASES = [
    (
        "an arm from a node that is no end",
        "        node_b:\n          transducer",
        "        node_c:\n          transducer",
        "'node_c' is no end of this link",
    ),
    (
        "a transducer that makes photons",
        "transducer: {value: 0.6",
        "transducer: {value: 1.6",
        "it is a part of the photons: 0 to 1",
    ),
    (
        "noise without a band",
        "          noise_bandwidth: {value: 20 MHz, spread: 1 MHz, assumed: true}\n",
        "",
        "photons in each mode are so many a second by a noise_bandwidth, e.g. 20.8 MHz",
    ),
    (
        "a transducer narrower than the photon",
        "noise_bandwidth: {value: 20 MHz",
        "noise_bandwidth: {value: 2 MHz",
        "a transducer narrower than the photon (10.4 MHz) would bend it",
    ),
    (
        "both detectors at one input",
        "input: station.slot10.io1",
        "input: station.slot10.io0",
        "station.slot10.io0 is already the input of d0",
    ),
    (
        "a detector at an output of a controller",
        "input: station.slot10.io1",
        "input: cluster_a.slot4.out0",
        "a digital input or output is wanted",
    ),
    (
        "a detector at another time tagger",
        "input: station.slot10.io1",
        "input: tagger.slot10.io4",
        "they end at station and tagger: one time tagger counts the clicks of a station",
    ),
    (
        "a tagger that starts by itself",
        "    station: {output: wrtd_station.LC-O1, delay: {value: 25 ns, spread: 1 ns}}\n",
        "",
        "station starts on no trigger, so its windows are at nobody else's time",
    ),
    (
        "a loss of the way between the ends",
        "    bandwidth: 10.4 MHz\n    transfer",
        "    bandwidth: 10.4 MHz\n    loss: 0.2\n    transfer",
        "photons of link_ab meet at its station and none crosses from end to end",
    ),
    (
        "thermal photons in front of a transducer",
        "        stark_shift: {value: -30 MHz, spread: 3 MHz, assumed: true}\n      node_b",
        "        stark_shift: {value: -30 MHz, spread: 3 MHz, assumed: true}\n"
        "        thermal_photons: 0.01\n      node_b",
        "counts as its added noise",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    told = refusal_of(OPTICAL, old, new, tmp_path)
    assert said in told, told


def test_one_detector_is_not_enough(tmp_path: Path) -> None:
    text = OPTICAL.read_text()
    begin, end = text.index("        d1:\n"), text.index("      phase_drift")
    file = tmp_path / "facility.yaml"
    file.write_text(text[:begin] + text[end:])
    with pytest.raises(FacilityError, match="behind a beam splitter are 2 detectors, not 1"):
        load_facility(file)


def test_its_detectors_are_ports_of_the_time_taggers_cluster() -> None:
    facility = load_facility(OPTICAL)
    assert list(facility.detectors()) == ["link_ab.d0", "link_ab.d1"]
    targets = targets_of(facility)
    port = targets["station"].ports["link_ab.d1"]
    assert (port.module, port.slot, port.input, port.output) == ("QTM", 10, "io1", "")
    assert "link_ab.d0" not in targets["cluster_a"].ports
    owners = owners_of(facility)
    (owner,) = (name for name, instruments in owners.items() if "station" in instruments)
    assert owner == "room"
    station = facility.links["link_ab"].station
    assert station is not None
    assert station.arms[0]["transducer"].value == pytest.approx(0.6)
    assert station.detectors[0].design["dead_time"].value == pytest.approx(50e-9)
