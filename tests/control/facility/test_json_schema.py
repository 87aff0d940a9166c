"""The JSON schema for editors: what `podium check` says of form, it says as well."""

import json
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from tests.benches.command_line import answer_of
from tests.benches.facility.driver_entries import GS200, SGS100A, entry_of
from tests.benches.facility.instrument_error_cases import CASES as INSTRUMENT_CASES
from tests.benches.facility.schema_error_cases import CASES as FORM_CASES

from podium.control.facility.json_schema import facility_json_schema
from podium.firmware_interfaces.models import BUILT_IN

BEYOND_A_SCHEMA = {
    "a tab": "YAML",
    "a duplicate key": "YAML",
    "an open bracket": "YAML",
    "a tag": "YAML",
    "an alias in itself": "YAML",
    "a key that is no word": "YAML",
    "a control character": "YAML",
    "one name for two owners": "what else the file says",
    "a spread below zero": "a number, not a form",
}
OF_THE_INSTRUMENT_CASES = {
    *("an unknown model", "a host for a VISA resource", "a garbled resource", "an option"),
    *("an option that is missing", "a module", "a slot"),
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = facility_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def content(text: str) -> object:
    """Return what an editor sees: keys are words."""
    return json.loads(json.dumps(YAML(typ="safe").load(StringIO(text))))


def test_the_example_is_valid(validator, example: Path) -> None:
    validator.validate(content(example.read_text()))


def test_driver_entries_and_empty_sections_are_valid(validator, example: Path) -> None:
    text = example.read_text() + "\nlinks:\n"
    for name, entry in (("bias_q0", GS200), ("lo_q2", SGS100A)):
        text = text.replace(entry_of(text, name), entry, 1)
    validator.validate(content(text))
    for right, wrong in (("limit: 1.5 V", "limit: 1.5"), ("FluxSource", "Flux"), ("driver:", "d:")):
        assert not validator.is_valid(content(text.replace(right, wrong)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(case[1], case[2], id=case[0])
        for case in (
            *(case for case in FORM_CASES if case[0] not in BEYOND_A_SCHEMA),
            *(case for case in INSTRUMENT_CASES if case[0] in OF_THE_INSTRUMENT_CASES),
        )
    ],
)
def test_every_broken_form_is_invalid(validator, example: Path, old: str, new: str) -> None:
    assert not validator.is_valid(content(example.read_text().replace(old, new, 1)))


def test_an_editor_shows_what_every_key_means(validator) -> None:
    definitions = validator.schema["$defs"]
    for name, definition in definitions.items():
        for key, entry in definition["properties"].items():
            described = "description" in entry or "const" in entry
            assert described, f"{name}: {key}"
    for key, entry in validator.schema["properties"].items():
        assert "description" in entry or key == "validity", key


def test_every_model_has_its_own_form(validator) -> None:
    for model in BUILT_IN:
        form = validator.schema["$defs"][f"model_{model.name}"]
        assert {option.name for option in model.options} <= form["properties"].keys()


def test_the_command_prints_it(tmp_path: Path) -> None:
    printed = answer_of("schema")
    assert json.loads(printed) == facility_json_schema()
    answer_of("schema", "--out", tmp_path / "facility.json")
    assert (tmp_path / "facility.json").read_text() == printed


def test_a_safe_rule_is_a_word_or_a_level(validator, example: Path) -> None:
    def valid(said: str) -> bool:
        text = example.read_text().replace("slew: 0.5 V/s}", f"slew: 0.5 V/s, safe: {said}}}", 1)
        return validator.is_valid(content(text))

    assert all(map(valid, ("hold", "finish", "0 V", "-300mV")))
    assert not any(map(valid, ("holt", "0", "3 A", "hold 0 V", "true")))
