"""The reference pages say what the code knows: keys, units, models and their connectors."""

import re
from pathlib import Path

import pytest

from podium.control.facility import designs, edge_entries, link_entries, schema
from podium.control.facility.bus_entries import BusEntry, EndpointsEntry
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.control.facility.quantity_entries import EstimateEntry, FileEntry
from podium.firmware_interfaces.models import BUILT_IN, MapOption
from podium.firmware_interfaces.quantity import DIMENSIONS, UNITS

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "first_light" / "facility.yaml"
FACILITY_FILE = (ROOT / "docs" / "reference" / "facility_file.md").read_text()
PARAMETERS = (ROOT / "docs" / "reference" / "parameters.md").read_text()
MEASURED = (
    *("f01", "anharmonicity", "t1", "t2_ramsey", "t2_echo", "readout_frequency", "chi", "kappa"),
    *("sweet_spot", "assignment_fidelity", "thermal_population"),
)


@pytest.mark.parametrize(
    "entry",
    [
        schema.FacilityFile,
        schema.FridgeEntry,
        schema.ClockEntry,
        schema.InstrumentEntry,
        schema.NodeEntry,
        schema.ChipEntry,
        schema.CouplingEntry,
        edge_entries.CouplerEntry,
        edge_entries.CouplerDesign,
        edge_entries.EdgeEntry,
        schema.HubEntry,
        *designs.QUBIT_KINDS.values(),
        schema.FeedlineEntry,
        schema.DriveEntry,
        schema.FluxEntry,
        link_entries.LinkEntry,
        BusEntry,
        EndpointsEntry,
        schema.DriverEntry,
        schema.RolesEntry,
        schema.FluxRole,
        schema.MicrowaveRole,
        schema.ThermometerRole,
        EstimateEntry,
    ],
)
def test_every_key_is_explained(entry: type[FileEntry]) -> None:
    for key in entry.model_fields:
        assert re.search(rf"`{key}\b|### {key}|\b{key}:", FACILITY_FILE), key


def test_no_row_stands_outside_its_table() -> None:
    lines = FACILITY_FILE.splitlines()
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("|") and not before.startswith("|"):
            assert re.fullmatch(r"[| -]+", after), f"no table begins with {line}"
        if before.startswith("|") and not line.startswith("|"):
            assert line == "", f"no row of the table above: {line}"


def test_every_design_value_is_listed_with_its_unit() -> None:
    tables = re.split(r"^\| key of `.*$", FACILITY_FILE, flags=re.MULTILINE)
    of_a_design = [tables[0], *(rest.partition("\n\n")[2] for rest in tables[1:])]
    rows = re.findall(r"^\| (`[^|]+`) \| (Hz|s|V|none) \|", "\n".join(of_a_design), re.MULTILINE)
    listed = {
        name: unit.replace("none", "1")
        for names, unit in rows
        for name in re.findall("`(.+?)`", names)
    }
    assert listed == designs.DESIGN_UNITS
    assert listed.keys() == (
        designs.TransmonDesign.model_fields.keys() | designs.FluxoniumDesign.model_fields.keys()
    )


def test_every_unit_that_the_file_takes_is_listed() -> None:
    for unit in ("Hz", "s", "V", "V/s", "K", "dB", "dBm", "1"):
        what = DIMENSIONS[unit].removeprefix("a ")
        row = re.search(rf"^\| {what} \| (.*) \|$", FACILITY_FILE, re.MULTILINE)
        assert row is not None, what
        words = set(re.split(r"[^\w/%µ]+", row[1]))
        assert {name for name in UNITS[unit] if "\u03bc" not in name} <= words, unit


def test_every_model_is_listed_with_its_keys_and_connectors() -> None:
    rows = FACILITY_FILE.splitlines()
    for model in BUILT_IN:
        row = next(row for row in rows if row.startswith(f"| `{model.name}` |"))
        assert f"{model.vendor} {model.product}" in row
        for option in model.options:
            assert f"`{option.name}`" in row
            if isinstance(option, MapOption):
                assert f"{option.lowest} to {option.highest}" in row
        for connector in model.connectors:
            assert not connector.name or f"`{connector.name}`" in row, connector
        for module in (model.modules or {}).values():
            assert module.name in row
            for connector in module.connectors:
                assert f"`{connector.name}`" in row or connector.name in ("out1", "out2"), connector


def test_every_parameter_that_is_measured_is_defined_with_its_unit() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (Hz|s|V|1) \|", PARAMETERS, re.MULTILINE))
    assert rows.keys() == set(MEASURED)
    for name in rows.keys() & designs.DESIGN_UNITS.keys():
        assert rows[name] == designs.DESIGN_UNITS[name]


def test_what_the_page_shows_in_python_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = re.search(r"```python\n(.*?)```", FACILITY_FILE, re.DOTALL)
    assert code is not None
    names: dict[str, object] = {"load_facility": load_facility}
    shown = 0
    for line in code[1].splitlines():
        expression, _, result = line.partition("  # ")
        if result:
            assert repr(eval(expression, names)) == result.partition(",")[0]
            shown += 1
        else:
            exec(line, names)
    assert shown == 2


def test_the_errors_that_the_page_shows_are_those_that_are_told(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace("cold_below: 30 mK", "cold_below: 30")
    file = tmp_path / "facility.yaml"
    file.write_text(text.replace("cluster_a.slot6.out2", "cluster_a.slot6.out9"))
    with pytest.raises(FacilityError) as refused:
        load_facility(file)
    told = str(refused.value).replace(str(file), "facility.yaml")
    assert f"```text\n{told}\n```" in FACILITY_FILE, told


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
