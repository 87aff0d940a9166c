"""The timing plane in the facility file: what it becomes, and what is wrong with one and where."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from podium.control.commands.check import command
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.json_schema import facility_json_schema
from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.facility.timing import PhaseReference

TWO_NODES = Path(__file__).parents[3] / "examples" / "two_nodes" / "facility.yaml"

A = "cluster_a: {output: wrtd_a.LC-O1, delay: {value: 25 ns, spread: 1 ns}}"
TICKS_A = "ticks_a: {source: cluster_a, reference: plane_a}"
STANDARD = "standard: {source: rubidium}"
REFERENCE = "phase_reference: {clock: plane, jitter: 13 ps}"
MARKER_B = "delay: {value: 75 ns, spread: 20 ps}"

CASES = [
    ("a controller", A, A.replace("cluster_a", "cluster_c"), "cluster_c: {out", "no instrument"),
    (
        "a controller without a trigger input",
        A,
        A.replace("cluster_a", "bias_q0"),
        "bias_q0: {out",
        "bias_q0 has no trigger input; those that do: cluster_a, cluster_b, tagger",
    ),
    ("a trigger output", A, A.replace("O1", "O7"), "wrtd_a.LC-O7", "did you mean 'LC-O"),
    (
        "a trigger output of the wrong kind",
        A,
        A.replace("wrtd_a.LC-O1", "cluster_a.slot4.marker2"),
        "cluster_a.slot4.marker2, d",
        "is a marker output; a trigger output is wanted, those here: wrtd_a.LC-O1",
    ),
    (
        "a trigger output without its name",
        A,
        A.replace("wrtd_a.LC-O1", "wrtd_a"),
        "wrtd_a, delay",
        "say which connector of wrtd_a, e.g. 'wrtd_a.LC-O1'",
    ),
    (
        "a trigger output twice",
        A,
        A.replace("wrtd_a", "wrtd_room"),
        "wrtd_room.LC-O1, delay: {value: 50",
        "wrtd_room.LC-O1 is already the output of cluster_a (line of "
        + A.replace("wrtd_a", "wrtd_room")
        + ")",
    ),
    (
        "an event that cannot be sent",
        A,
        A.replace("delay", "event: the_start_of_both, delay"),
        "the_start_of_both",
        "an event id has 1 to 15 printable ASCII characters",
    ),
    (
        "an event that means an output",
        A,
        A.replace("delay", "event: LC-O3, delay"),
        "LC-O3",
        "such a name means an output or an alarm of the node itself; write one like 'START'",
    ),
    (
        "a delay without a unit",
        A,
        A.replace("25 ns", "25"),
        "25, spread",
        "25 has no unit; a time is wanted",
    ),
    (
        "a delay below zero",
        A,
        A.replace("25 ns", "-25 ns"),
        "{value: -25 ns",
        "a cable cannot be left before it is entered",
    ),
    ("a trigger without a delay", A, A.split(", delay")[0] + "}", "cluster_a: {o", "'delay' is mi"),
    (
        "a key of the timing plane",
        "  triggers:",
        "  trigers:",
        "trigers:",
        "'trigers' is not known here; did you mean 'triggers'?",
    ),
    (
        "a marker of no node",
        "    node_b:\n      output: cluster_b.slot4.marker2",
        "    node_c:\n      output: cluster_b.slot4.marker2",
        "node_c:",
        "there is no node 'node_c'; did you mean",
    ),
    (
        "a marker that switches an output",
        "output: cluster_b.slot4.marker2",
        "output: cluster_b.slot4.marker0",
        "cluster_b.slot4.marker0",
        "cluster_b has no connector 'slot4.marker0'; did you mean 'slot4.marker",
    ),
    (
        "a marker of another node's cluster",
        "output: cluster_b.slot4.marker2",
        "output: cluster_a.slot6.marker1",
        "cluster_a.slot6.marker1",
        "cluster_a plays nothing of node_b; cluster_b does",
    ),
    (
        "an input of the tagger twice",
        "input: tagger.slot10.io1",
        "input: tagger.slot10.io0",
        "tagger.slot10.io0\n      delay: {value: 75",
        "tagger.slot10.io0 is already the input of node_a (line of tagger.slot10.io0)",
    ),
    (
        "an input that is none",
        "input: tagger.slot10.io1",
        "input: cluster_b.slot2.in0",
        "cluster_b.slot2.in0\n      delay",
        "is an RF input; a digital input or output is wanted, those here: tagger.slot10.io0",
    ),
    (
        "a tagger without a trigger",
        "    tagger: {output: wrtd_room.LC-O1, delay: {value: 50 ns, spread: 1 ns}}\n",
        "",
        "tagger.slot10.io0",
        "tagger starts on no trigger, so its times are nobody else's; add it under timing",
    ),
    (
        "a marker cable that nobody has measured",
        MARKER_B,
        "delay: 75 ns",
        "75 ns",
        "say how well it is known, e.g. {value: 30 ns, spread: 20 ps}",
    ),
    (
        "a phase reference",
        REFERENCE,
        REFERENCE.replace("plane", "plan"),
        "plan,",
        "no clock 'plan'",
    ),
    (
        "a jitter of nothing",
        REFERENCE,
        REFERENCE.replace("13 ps", "0 ps"),
        "0 ps}    #",
        "it must be above zero",
    ),
    (
        "a reference",
        TICKS_A,
        TICKS_A.replace("plane_a", "plane_c"),
        "plane_c",
        "there is no clock 'plane_c'; did you mean",
    ),
    (
        "a clock that is another's and has a reference",
        TICKS_A,
        TICKS_A.replace("source: cluster_a", "source: ticks_b"),
        "reference: plane_a}\n  ticks_b",
        "'ticks_a' takes its ticks from 'ticks_b' as they are; remove one of both",
    ),
    (
        "one source of two clocks",
        STANDARD,
        f"{STANDARD}\n  other: {{source: rubidium}}",
        "rubidium}\n\n",
        f"rubidium is already the source of 'standard' (line of {STANDARD})",
    ),
    (
        "a chain that bites its tail",
        STANDARD,
        "standard: {source: rubidium, reference: ticks_a}",
        "plane_a}\n  ticks_b",
        "the clock follows itself: ticks_a <- plane_a <- plane <- standard <- ticks_a",
    ),
    (
        "a node's clock that tells no time",
        "    clock: ticks_a",
        "    clock: plane",
        "plane\n    chip",
        "switch, the source of 'plane', gives ticks and no time; clocks that do: ticks_a, ",
    ),
    (
        "a source that gives nothing",
        STANDARD,
        "standard: {source: bias_q0}",
        "bias_q0}",
        "bias_q0 tells no time; instruments that do:",
    ),
    (
        "a link's frequency",
        "frequency: 8.4 GHz",
        "frequency: 8.4",
        "8.4}",
        "8.4 has no unit; a frequency is wanted",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_a_wrong_timing_plane_names_its_place_and_what_would_be_right(
    refuses_in, old: str, new: str, at: str, says: str
) -> None:
    refuses_in(TWO_NODES, old, new, at, says)


MIXED = TWO_NODES.parents[1] / "mixed" / "facility.yaml"
INPUT = "      input: zi_b.dev12001.sg0_trigger\n"
MIXED_CASES = [
    (
        "left out",
        INPUT,
        "",
        "zi_b:    #",
        "say which, as 'input', e.g. 'zi_b.dev12001.sg0_trigger'",
    ),
    (
        "of another instrument",
        INPUT,
        INPUT.replace("zi_b.dev12001.sg0_trigger", "tagger.trigger"),
        "tagger.trigger",
        "tagger.trigger is no connector of zi_b, which it is to start",
    ),
    (
        "that is none",
        INPUT,
        INPUT.replace("_trigger", "_marker"),
        "zi_b.dev12001.sg0_marker\n      delay: {value: 25",
        "zi_b.dev12001.sg0_marker is a marker output; a trigger input is wanted",
    ),
    (
        "that is not there",
        INPUT,
        INPUT.replace("sg0_trigger", "sg6_trigger"),
        "zi_b.dev12001.sg6_trigger",
        "zi_b has no connector 'dev12001.sg6_trigger'",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*c[1:], id=c[0]) for c in MIXED_CASES]
)
def test_a_trigger_input_is_named_where_there_are_several(
    refuses_in, old: str, new: str, at: str, says: str
) -> None:
    refuses_in(MIXED, old, new, at, says)


def test_the_example_of_two_families_is_a_value() -> None:
    timing = load_facility(MIXED).timing
    assert timing.triggers["zi_b"].input == ConnectorRef("zi_b", "dev12001.sg0_trigger")
    assert timing.triggers["cluster_a"].input == ConnectorRef("cluster_a", "trigger")
    assert timing.markers["node_b"].output == ConnectorRef("zi_b", "dev12001.sg0_marker")


def test_the_example_is_a_value() -> None:
    facility = load_facility(TWO_NODES)
    plane = facility.timing
    trigger = plane.triggers["tagger"]
    assert str(trigger.output) == "wrtd_room.LC-O1"
    assert trigger.input == ConnectorRef("tagger", "trigger")
    assert (trigger.event, trigger.delay.value_fs) == ("START", 50_000_000)
    marker = plane.markers["node_b"]
    assert (str(marker.output), str(marker.input)) == (
        "cluster_b.slot4.marker2",
        "tagger.slot10.io1",
    )
    assert marker.delay.sigma_fs == pytest.approx(20_000)
    assert facility.clocks["ticks_b"].reference == "plane_b"
    assert facility.clocks["standard"].reference is None
    assert hash(facility.timing) == hash(load_facility(TWO_NODES).timing)


def test_a_file_without_a_timing_plane_has_an_empty_one(example: Path, tmp_path: Path) -> None:
    assert not load_facility(example).timing.triggers
    file = tmp_path / "facility.yaml"
    file.write_text(example.read_text() + "\ntiming:\n")
    assert not load_facility(file).timing.markers


@pytest.mark.parametrize(
    ("jitter", "remarks"), [("13 ps", 1), ("3 ps", 1), ("2.5 ps", 0), ("180 fs", 0)]
)
def test_a_phase_that_cannot_be_held_is_remarked_and_no_error(
    jitter: str, remarks: int, tmp_path: Path
) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(TWO_NODES.read_text().replace("jitter: 13 ps", f"jitter: {jitter}"))
    _, told = load_with_remarks(file)
    assert len(told) == remarks
    assert all("cannot hold its phase" in one.message for one in told)


def test_the_default_switch_is_39_degrees_at_8_4_ghz(capsys) -> None:
    assert PhaseReference("plane", 13e-12).phase_deg(8.4e9) == pytest.approx(39.3, abs=0.1)
    (remark,) = load_with_remarks(TWO_NODES)[1]
    assert "13 ps rms are 39 degrees at 8.4 GHz; 8 degrees, or 2.7 ps, would do" in str(remark)
    assert remark.path == ("links", "link_ab", "frequency")


def test_a_link_without_any_phase_reference_is_remarked(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    text = TWO_NODES.read_text()
    line = next(line for line in text.splitlines(keepends=True) if "phase_reference" in line)
    file.write_text(text.replace(line, ""))
    (remark,) = load_with_remarks(file)[1]
    assert "name what does under timing > phase_reference" in remark.message


def test_the_command_tells_remarks_and_ends_well(capsys) -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args([str(TWO_NODES)])) == 0
    assert "39 degrees at 8.4 GHz" in capsys.readouterr().out
    assert command.run(parser.parse_args([str(TWO_NODES), "--json"])) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert [remark["path"] for remark in told["remarks"]] == [["links", "link_ab", "frequency"]]


def test_editors_know_the_form() -> None:
    validator = jsonschema.Draft202012Validator(facility_json_schema())

    def content(text: str) -> object:
        return json.loads(json.dumps(YAML(typ="safe").load(text)))

    text = TWO_NODES.read_text()
    validator.validate(content(text))
    for old, new in (
        ("jitter: 13 ps", "jitter: 13"),
        ("output: wrtd_a.LC-O1", "outputs: wrtd_a.LC-O1"),
        ("input: tagger.slot10.io0", "input: 3"),
        ("frequency: 8.4 GHz", "frequency: 8.4"),
        ("  triggers:", "  trigger:"),
    ):
        assert not validator.is_valid(content(text.replace(old, new, 1))), new


def test_nodes_that_share_one_trigger_node_are_remarked(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    b = "cluster_b: {output: wrtd_b.LC-O1"
    text = TWO_NODES.read_text()
    assert b in text
    file.write_text(text.replace(b, b.replace("wrtd_b.LC-O1", "wrtd_a.LC-O2")))
    remark = load_with_remarks(file)[1][-1]
    assert remark.path == ("timing", "triggers", "cluster_b", "output")
    assert "wrtd_a starts controllers of node_a and node_b: one agent owns all" in str(remark)
