"""Facilities in one line: sound to control's own reader, and the chips of the examples."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from podium.control.facility.load import load_facility
from podium.firmware_interfaces.models import BUILT_IN
from podium.sim_instruments.facilities.chips import CHIPS
from podium.sim_instruments.facilities.one_instrument import facility_of, option_of
from podium.sim_instruments.facilities.tree import NoSuchFacility
from podium.sim_instruments.facilities.wired_instrument import WIRES
from podium.sim_instruments.physics.sampling import LIBRARY
from podium.sim_instruments.wiring import PlanError, plan_of

TOO_SLOW = ("zurich", "ding2023")
"""Driven below an SHFQC's lowest centre: refused, see test_serve_command.py."""
EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name: str) -> dict:
    return YAML(typ="safe").load((EXAMPLES / name / "facility.yaml").read_text())


def plain(tree: object) -> object:
    """Return the tree with texts for numbers: `0.4` and `"0.4"` are one."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return str(tree)


@pytest.mark.parametrize(
    ("model", "chip", "qubits"),
    [(model, chip, None) for model in WIRES for chip in CHIPS if (model, chip) != TOO_SLOW]
    + [("qblox_cluster", "krinner2022_chain", 5)]
    + [("qblox_cluster", "krinner2022", n) for n in (1, 2, 6, 7, 17)]
    + [("zurich", "krinner2022", n) for n in (1, 4, 6)],
)
def test_what_is_wired_in_one_line_is_sound(model, chip, qubits, tmp_path) -> None:
    file = tmp_path / "facility.yaml"
    with file.open("w") as sink:
        YAML().dump(facility_of(model, chip, qubits), sink)
    facility = load_facility(file)
    wanted = qubits or min(3, len(CHIPS[chip].qubits))
    assert len(facility.nodes["node_a"].qubits) == wanted


@pytest.mark.parametrize("model", [model.name for model in BUILT_IN])
def test_every_model_is_a_facility_by_itself(model, tmp_path) -> None:
    file = tmp_path / "facility.yaml"
    with file.open("w") as sink:
        YAML().dump(facility_of(model), sink)
    assert [one.model for one in load_facility(file).instruments.values()] == [model]


@pytest.mark.parametrize(
    ("chip", "file", "node"),
    [
        ("krinner2022", "first_light", "node_a"),
        ("bao2022", "ten_nodes", "node_c"),
        ("karamlou2024", "ten_nodes", "node_d"),
    ],
)
def test_chips_are_those_of_the_examples(chip, file, node) -> None:
    there = example(file)["nodes"][node]
    ours = facility_of("qblox_cluster", chip, len(there["qubits"]))["nodes"]["node_a"]
    assert ours["chip"] == there["chip"]
    assert ours["feedlines"] == there["feedlines"]
    assert plain(ours["qubits"]) == plain(there["qubits"])
    couplings = {
        name: {**one, "exchange": {k: v for k, v in one["exchange"].items() if k != "assumed"}}
        for name, one in ours.get("couplings", {}).items()
    }
    assert couplings == there.get("couplings", {})


def test_every_chip_that_worlds_are_drawn_of_can_be_had() -> None:
    assert {chip.drawn_as for chip in CHIPS.values()} == LIBRARY.keys()


def test_neighbours_on_an_shfqc_share_a_centre_that_reaches_both() -> None:
    tree = facility_of("zurich", "krinner2022", 6)
    drives = {line: one for line, one in tree["wiring"].items() if line.endswith("drive")}
    centres = {one["output"].rpartition("sg")[2]: one["lo"] for one in drives.values()}
    assert sorted(centres) == ["0", "1", "2", "3", "4", "5"]
    for pair in (("0", "1"), ("2", "3"), ("4", "5")):
        assert centres[pair[0]] == centres[pair[1]]
    for line, one in drives.items():
        f01 = tree["nodes"]["node_a"]["qubits"][line.split(".")[1]]["design"]["f01"]["value"]
        assert abs(float(f01.split()[0]) - float(one["lo"].split()[0])) < 0.4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("qblox",), "no model 'qblox' is known; there are qblox_cluster, "),
        (("qblox_cluster", "krinner2021"), "no chip 'krinner2021'; there are krinner2022, "),
        (("qblox_cluster", "krinner2022", 18), "krinner2022 has 1 to 17 qubits here, not 18"),
        (("zurich", "krinner2022", 7), "an SHFQC drives 6 qubits, not 7"),
        (("lakeshore_372", "krinner2022"), "a lakeshore_372 plays on no chip by itself"),
        (("qblox_cluster", None, 3), "3 qubits of which chip?"),
        (("qblox_cluster", None, None, "my cluster"), "one word of a program, not 'my cluster'"),
        (
            ("qblox_cluster", "bao2022", None, None, {"modules": {2: "QCM"}}),
            "follows from the chip: leave modules out",
        ),
        (
            ("qblox_cluster", "bao2022", None, None, {"firmware": "1.0"}),
            "firmware says release of its firmware, and there is no '1.0'; there are 0.12.0, ",
        ),
        (
            ("yokogawa_gs200", None, None, None, {"range": "1"}),
            "yokogawa_gs200 has no option 'range'; it has none",
        ),
        (
            ("qblox_cluster", None, None, None, {"modules": "QCM"}),
            "qblox_cluster: modules says slot: module, not 'QCM'",
        ),
        (
            ("zurich", "krinner2022", None, None, {"labone_version": 25.1}),
            "zurich: labone_version says version of LabOne, in quotes: '25.04', not 25.1",
        ),
    ],
)
def test_words_that_make_no_facility_are_refused_with_what_would(words, says) -> None:
    with pytest.raises(NoSuchFacility) as refused:
        facility_of(*words)
    assert says in str(refused.value)


def test_firmware_can_be_chosen_for_a_cluster_on_a_chip() -> None:
    tree = facility_of("qblox_cluster", "krinner2022", None, None, {"firmware": "0.13.0"})
    assert tree["instruments"]["cluster"]["firmware"] == "0.13.0"


@pytest.mark.parametrize("chip", [None, "krinner2022"])
def test_what_an_instrument_says_of_itself_is_chosen_with_a_chip_too(chip) -> None:
    tree = facility_of("zurich", chip, options={"labone_version": "25.10"})
    assert tree["instruments"]["zi"]["labone_version"] == "25.10"
    assert tree["instruments"]["zi"]["devices"] == {12000: "SHFQC"}


def test_the_analyser_before_a_chip_sweeps_its_readouts_on_oscillators() -> None:
    """Else a scan of two resonators is cut into a run for each eight of its points."""
    for chip, qubits in (("krinner2022", 5), ("bao2022_shelved", 2)):
        instrument = facility_of("zurich", chip, qubits)["instruments"]["zi"]
        assert instrument["options"] == {12000: "16W LRT"}


def test_options_are_read_as_people_type_them() -> None:
    assert option_of("modules=2:QRM-RF,4:QCM") == ("modules", {2: "QRM-RF", 4: "QCM"})
    assert option_of("mode=slave") == ("mode", "slave")
    for wrong in ("modules", "=slave", "modules=2:QRM-RF,QCM", "modules=two:QCM"):
        with pytest.raises(NoSuchFacility, match=r"is wanted|an option is"):
            option_of(wrong)


def test_gates_of_a_chip_are_edges_with_lines_for_their_pulses() -> None:
    for model, output in (("qblox_cluster", ".slot"), ("zurich", ".dev8000.sigout")):
        tree = facility_of(model, "marxer2025", 2)
        edge = tree["nodes"]["node_a"]["edges"]["q0_q1"]
        assert edge["coupler"] == "c01"
        assert tree["nodes"]["node_a"]["couplers"].keys() == {"c01"}
        pulsed = [line for line, one in tree["wiring"].items() if "range" in one]
        assert pulsed == ["node_a.c01.flux"]
        assert output in tree["wiring"]["node_a.c01.flux"]["output"]
    alone = facility_of("qblox_cluster", "marxer2025", 1)["nodes"]["node_a"]
    assert not {"edges", "couplers"} & alone.keys()


@pytest.mark.parametrize("model", ["qblox_cluster", "zurich"])
def test_a_gate_over_a_plasmon_has_an_output_for_it_and_moves_no_flux(model: str) -> None:
    tree = facility_of(model, "bao2022_microwave", 2)
    assert tree["nodes"]["node_a"]["edges"]["q0_q1"]["driven"] == "q0"
    assert not [line for line, one in tree["wiring"].items() if "range" in one]
    plan = plan_of(tree)
    drive, plasmon = (tree["wiring"][f"node_a.q0.{end}"] for end in ("drive", "plasmon"))
    box, _, connector = plasmon["output"].partition(".")
    cable = plan.outputs[box][connector]
    assert cable.line == "node_a.q0.drive"  # a combiner: one cold line
    weaker_db = float(plasmon["line_attenuation"].split()[0]) - 60.0
    assert drive["line_attenuation"] == "60 dB"
    assert cable.factor == pytest.approx(10 ** (-weaker_db / 20))
    del tree["wiring"]["node_a.q0.drive"]
    with pytest.raises(PlanError, match="a plasmon is driven over its cold line"):
        plan_of(tree)
