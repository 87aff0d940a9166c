"""Each rule of the quality of twins, by its name: what a quality file claims is so."""

import json
import re
from pathlib import Path

import pytest
from tests.hostile.twin_parsers import TWINS

from podium.firmware_interfaces.models import BUILT_IN, InstrumentModel
from podium.sim_instruments.command import TwinCommand
from podium.sim_instruments.servers.faults import FAULTS, On
from podium.sim_instruments.twins.quality_scale import (
    NO_TIER,
    RULES,
    QualityError,
    Verdict,
    quality_file,
    quality_of,
    tier_of,
)

ROOT = Path(__file__).parents[3]
CLAIMS = (ROOT / "docs/explanation/what-a-twin-claims.md").read_text()
PAGE = (ROOT / "docs/reference/twin_quality.md").read_text()
ROOMS = ("firmware_interfaces", "drivers", "sim_instruments")
CLIENTS = (
    r"^(?:from|import) "
    r"(qcodes|lakeshore|qblox_instruments|zhinst|pysnmp|pymodbus|cpa1110|autosweep)"
)
SOURCES = r"\b(manual|page \d|chapter \d|docs/\S+\.txt|RFC \d+|TR \d|HRX?-OM-\w+)"
PROGRAMS = ("snmpget", "upsc", "Cluster")
PARSERS = {
    "qblox_cluster": "a cluster",
    "zurich": "a data server",
    "lakeshore_372": "a 372",
    "lakeshore_336": "a 336",
    "lakeshore_350": "a 350",
    "pfeiffer_tpg366": "a TPG 366",
    "pfeiffer_tc400": "a TC 400",
    "oxford_triton": "a Triton",
    "oxford_mercury_ips": "a Mercury iPS",
    "yokogawa_gs200": "a GS200",
    "qdevil_qdac2": "a QDAC-II",
    "qdevil_qswitch": "a QSwitch",
    "keysight_33512b": "a 33512B",
    "rohde_schwarz_sgs100a": "an SGS100A",
    "keysight_n5183b": "an N5183B",
    "rohde_schwarz_znb20": "a ZNB20",
    "keysight_n5222b": "an N5222B",
    "keysight_n9030b": "an N9030B",
    "wrtd_node": "a WRTD node",
    "white_rabbit_switch": "a White Rabbit switch",
    "srs_fs725": "an FS725",
    "srs_sg384": "an SG384",
    "bluefors_control": "a fridge's software",
    "cryomech_cpa": "a CPA compressor",
    "nut_ups": "a UPS",
    "hwgroup_poseidon2": "a Poseidon2",
    "smc_hrs100": "an HRS100",
    "bluefors_tc": "a temperature controller",
    "tektronix_awg70002a": "an AWG70002A",
    "tektronix_awg5208": "an AWG5208",
    "dicon_gp600": "a GP600",
}
"""By model: how the parsers that hostile texts are sent to call its twin."""

of_each_twin = pytest.mark.parametrize("model", BUILT_IN, ids=lambda model: model.name)


def of_each_that_claims(rule: str) -> pytest.MarkDecorator:
    """Run a test for each twin of which the rule is said to be done."""
    claiming = [model for model in BUILT_IN if quality_of(model)[rule].state == "done"]
    return pytest.mark.parametrize("model", claiming, ids=lambda model: model.name)


def evidence(model: InstrumentModel, rule: str) -> str:
    """Return the text of the tests that a rule rests on."""
    verdict = quality_of(model)[rule]
    files = [ROOT / name.strip() for name in verdict.why.split(",")]
    assert all(file.is_file() for file in files), verdict.why
    return "\n".join(file.read_text() for file in files)


def is_of(model: InstrumentModel, text: str) -> bool:
    """Tell whether tests are about a twin: they name its module or its folder."""
    return re.search(rf"\b{model.name}\b|{model.name.split('_')[0]}", text) is not None


@of_each_that_claims("client_connects")
def test_client_connects(model: InstrumentModel) -> None:
    text = evidence(model, "client_connects")
    assert is_of(model, text)
    assert re.search(CLIENTS, text, re.MULTILINE) or any(name in text for name in PROGRAMS)


@of_each_that_claims("commands_known")
def test_commands_known(model: InstrumentModel) -> None:
    text = evidence(model, "commands_known")
    assert is_of(model, text)
    assert "unknown" in text


@of_each_that_claims("file_names")
def test_file_names(model: InstrumentModel) -> None:
    evidence(model, "file_names")
    for room, folder in zip(ROOMS, ("", "", "twins"), strict=True):
        at = ROOT / room / "podium" / room / folder
        assert (at / f"{model.name}.py").is_file() or (at / model.name).is_dir()


@of_each_that_claims("limits_listed")
def test_limits_listed(model: InstrumentModel) -> None:
    evidence(model, "limits_listed")
    named = re.findall(r"`([\w/]*\.py)`", CLAIMS)
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if model.name in str(file) and "ASSUMED" in file.read_text():
                assert any(str(file).endswith(f"/{name}") for name in named), file


@of_each_that_claims("manual_behaviour")
def test_manual_behaviour(model: InstrumentModel) -> None:
    """Its tests say of which document they are."""
    text = evidence(model, "manual_behaviour")
    assert is_of(model, text)
    assert re.search(SOURCES, text)


@of_each_that_claims("five_faults")
def test_five_faults(model: InstrumentModel) -> None:
    text = evidence(model, "five_faults")
    assert is_of(model, text)
    own = [name for name, fault in FAULTS.items() if fault.on is On.INSTRUMENT]
    assert len([name for name in own if f'fault("{name}")' in text]) >= 5


@of_each_that_claims("parser_linear")
def test_parser_linear(model: InstrumentModel) -> None:
    evidence(model, "parser_linear")
    assert any(parser.name == f"twin of {PARSERS[model.name]}" for parser in TWINS)


@of_each_that_claims("vendor_examples")
def test_vendor_examples(model: InstrumentModel) -> None:
    assert is_of(model, evidence(model, "vendor_examples"))


@of_each_that_claims("world_coupled")
def test_world_coupled(model: InstrumentModel) -> None:
    assert is_of(model, evidence(model, "world_coupled"))


@of_each_that_claims("vendor_unit_tests")
def test_vendor_unit_tests(model: InstrumentModel) -> None:
    assert is_of(model, evidence(model, "vendor_unit_tests"))


@of_each_that_claims("adjacent_models")
def test_adjacent_models(model: InstrumentModel) -> None:
    assert is_of(model, evidence(model, "adjacent_models"))


@of_each_that_claims("answer_timing")
def test_answer_timing(model: InstrumentModel) -> None:
    """Its tests say of which document the times are."""
    text = evidence(model, "answer_timing")
    assert model.name in text
    assert re.search(SOURCES, text)


def test_nobody_claims_what_no_test_here_would_see() -> None:
    """Whoever is the first to claim a recording writes the test of that name."""
    rule = "recording_compared"
    assert not [model.name for model in BUILT_IN if quality_of(model)[rule].state == "done"]


@of_each_twin
def test_every_twin_is_bronze(model: InstrumentModel) -> None:
    assert tier_of(quality_of(model)) in ("bronze", "silver", "gold", "platinum")


def test_a_tier_wants_all_rules_of_those_below() -> None:
    done = {rule: Verdict("done", "x") for rules in RULES.values() for rule in rules}
    assert tier_of(done) == "platinum"
    assert tier_of(done | {"five_faults": Verdict("todo", "")}) == "bronze"
    assert tier_of(done | {"five_faults": Verdict("exempt", "it has no parts")}) == "platinum"
    assert tier_of(done | {"file_names": Verdict("todo", "")}) == NO_TIER


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("file_names:", "filenames:"), "its rules are to be"),
        (
            ("recording_compared: todo", "recording_compared: soon"),
            "recording_compared is `todo`, or",
        ),
        (
            ("recording_compared: todo", "recording_compared: {done: }"),
            "recording_compared is `todo`, or",
        ),
        (("recording_compared: todo", "recording_compared: [}"), r"lakeshore_372\.quality\.yaml"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    change: tuple[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = next(one for one in BUILT_IN if one.name == "lakeshore_372")
    file = tmp_path / "lakeshore_372.quality.yaml"
    file.write_text(quality_file(model).read_text().replace(*change))
    monkeypatch.setattr(
        "podium.sim_instruments.twins.quality_scale.quality_file", lambda model: file
    )
    with pytest.raises(QualityError, match=says):
        quality_of(model)


def test_the_page_has_the_rules_of_the_code() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    wanted = [(tier, rule, text) for tier, rules in RULES.items() for rule, text in rules.items()]
    plain = [
        (tier, rule, re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)) for tier, rule, text in rows
    ]
    assert plain == wanted


def test_the_command_lists_each_twin_with_its_tier(capsys: pytest.CaptureFixture[str]) -> None:
    from argparse import ArgumentParser

    parser, command = ArgumentParser(), TwinCommand()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["list", "--json"])) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == [model.name for model in BUILT_IN]
    assert {row["tier"] for row in rows} <= set(RULES)
    assert command.run(parser.parse_args(["list"])) == 0
    assert re.search(r"^lakeshore_372 +Lake Shore Model 372 +gold$", capsys.readouterr().out, re.M)
