"""A validator with the schemas that zhinst-toolkit ships is the judge of command tables."""

import importlib.resources
import json

import jsonschema
import numpy as np
import pytest
from zhinst.toolkit import CommandTable

from podium.firmware_interfaces.zurich.command_table import (
    HDAWG,
    SHFSG,
    BadCommandTable,
    Family,
    parse_command_table,
)

FAMILIES = {"hdawg": HDAWG, "shfsg": SHFSG}


def schema(name: str) -> dict:
    files = importlib.resources.files("zhinst.toolkit")
    return json.loads((files / "resources" / f"ct_schema_{name}.json").read_text())


def typed(part):
    """The schema with the types that it means: without them, a number is a good table."""
    if isinstance(part, dict):
        part = {key: typed(value) for key, value in part.items()}
        if isinstance(part.get("properties"), dict) and "type" not in part:
            part["type"] = "object"
        if "items" in part and "type" not in part:
            part["type"] = "array"
    return part


class Tables:
    """Random tables, most of them good but for one place."""

    def __init__(self, family: Family, seed: int) -> None:
        self.family = family
        self.random = np.random.Generator(np.random.Philox(seed))

    def pick(self, *things):
        return things[self.random.integers(len(things))]

    def change(self, *good: float):
        change = {"value": self.pick(*good)}
        if self.random.random() < 0.4:
            change["increment"] = self.pick(True, False)
        return change

    def waveform(self):
        play = {}
        kind = self.pick("index", "zero", "both", "none")
        if kind in ("index", "both"):
            play["index"] = self.pick(0, 1, 65535)
        if kind in ("zero", "both"):
            play["playZero"] = self.pick(True, False)
        if kind == "zero" or self.random.random() < 0.5:
            play["length"] = self.pick(32, 48, 4096)
        if self.random.random() < 0.3:
            play["samplingRateDivider"] = self.pick(0, 13)
        if self.random.random() < 0.3:
            play["awgChannel0"] = self.pick(["sigout0"], ["sigout1", "sigout0"])
            play["precompClear"] = self.pick(True, False)
        return play

    def entry(self):
        entry = {"index": self.pick(0, 1, self.family.entries - 1)}
        if self.random.random() < 0.7:
            entry["waveform"] = self.waveform()
        for name in self.family.amplitudes:
            if self.random.random() < 0.4:
                entry[name] = self.change(0, 1, -1, 0.5, 0.1234567)
        for name in self.family.phases:
            if self.random.random() < 0.4:
                entry[name] = self.change(0, 720, -90.5)
        if self.random.random() < 0.3:
            entry["oscillatorSelect"] = {"value": self.pick(0, 7)}
        return entry

    def table(self):
        table = {
            "header": {"version": self.family.versions[0]},
            "table": [self.entry() for _ in range(self.random.integers(0, 4))],
        }
        if self.random.random() < 0.3:
            table["header"]["userString"] = self.pick("", "mine", "x" * 30)
            table["header"]["partial"] = self.pick(True, False)
        return table

    def spoil(self, value):
        """Change one place, whatever it is."""
        places = []

        def walk(inside):
            keys = inside.keys() if isinstance(inside, dict) else range(len(inside))
            for key in keys:
                places.append((inside, key))
                if isinstance(inside[key], dict | list):
                    walk(inside[key])

        walk(value)
        inside, key = places[self.random.integers(len(places))]
        match self.pick("replace", "replace", "remove", "add"):
            case "replace":
                inside[key] = self.pick(
                    -1, 0, 2, 8, 40, 16, 2000, 65536, 1.5, -1.01, None, True, "x", "y" * 31, [], {},
                    ["sigout2"], ["sigout0", "sigout0"], ["sigout0", "x"], "1.0", "1.1",
                )  # fmt: skip
            case "remove":
                del inside[key]
            case "add" if isinstance(inside, dict):
                inside[self.pick("more", "index", "length", "playZero", "phase", "partial")] = 32


def refusal(table, family: Family) -> bool:
    try:
        parse_command_table(json.dumps(table), family)
    except BadCommandTable:
        return True
    return False


@pytest.mark.parametrize("name", FAMILIES)
def test_tables_are_judged_as_by_the_schema(name):
    validator = jsonschema.Draft4Validator(typed(schema(name)))
    verdicts = [0, 0]
    for seed in range(1500):
        tables = Tables(FAMILIES[name], seed)
        table = tables.table()
        if seed % 3:
            tables.spoil(table)
        errors = [error.message for error in validator.iter_errors(table)]
        assert refusal(table, FAMILIES[name]) == bool(errors), (table, errors)
        verdicts[bool(errors)] += 1
    assert min(verdicts) > 300


@pytest.mark.parametrize("name", FAMILIES)
def test_what_the_toolkit_writes_is_read_as_it_was_meant(name):
    written = CommandTable(schema(name))
    written.table[5].waveform.index = 3
    written.table[5].waveform.length = 64
    if name == "hdawg":
        written.table[5].amplitude1.value = -0.25
        written.table[5].phase0.value = 30
    else:
        written.table[5].amplitude01.value = -0.25
        written.table[5].phase.value = 30
    (entry,) = parse_command_table(json.dumps(written.as_dict()), FAMILIES[name]).entries
    assert (entry.index, entry.play.index, entry.play.length) == (5, 3, 64)
    assert [change and change.value for change in entry.amplitudes][:2] == [None, -0.25]
    assert entry.phases[0].value == 30
