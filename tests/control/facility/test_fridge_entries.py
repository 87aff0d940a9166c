"""What a fridge's entry says besides its thermometer: its model, and the boxes that operate it."""

from collections.abc import Callable
from pathlib import Path

from tests.benches.nodes.ten_nodes import ten

from podium.control.facility.load import load_facility
from podium.control.facility.part import part_of

OLD = "cold_below: 30 mK}"


def changed(example: Path, folder: Path, more: str) -> Path:
    path = folder / "facility.yaml"
    path.write_text(example.read_text().replace(OLD, f"{OLD[:-1]}, {more}}}", 1))
    return path


def test_model_and_instruments_are_read(example: Path, tmp_path: Path) -> None:
    bare = load_facility(example).fridges["fridge_a"]
    assert (bare.model, bare.instruments) == (None, ())
    facility = load_facility(changed(example, tmp_path, "model: LD400, instruments: [bias_q0]"))
    fridge = facility.fridges["fridge_a"]
    assert (fridge.model, fridge.instruments) == ("LD400", ("bias_q0",))


def test_any_model_may_be_named(example: Path, tmp_path: Path) -> None:
    facility = load_facility(changed(example, tmp_path, "model: Proteox MX"))
    assert facility.fridges["fridge_a"].model == "Proteox MX"


def test_an_instrument_that_is_not_there_is_refused(refuses: Callable[..., None]) -> None:
    refuses(
        OLD,
        "cold_below: 30 mK, instruments: [bias_q7]}",
        "bias_q7",
        "there is no instrument 'bias_q7'; did you mean 'bias_q0'",
    )


def test_an_instrument_is_of_one_fridge(refuses: Callable[..., None]) -> None:
    refuses(
        f"  fridge_a: {{thermometer: thermometry_a.mixing_chamber, {OLD}",
        "  fridge_a: {thermometer: thermometry_a.mixing_chamber, cold_below: 1 K, "
        "instruments: [lo_q2]}\n"
        "  fridge_b: {thermometer: thermometry_a.mixing_chamber, cold_below: 2 K, "
        "instruments: [ lo_q2]}",
        "lo_q2]}\n\nclocks",
        "lo_q2 is of fridge_a already",
    )


def test_a_part_keeps_the_instruments_of_its_fridge_and_drops_those_of_others() -> None:
    tree = ten()
    nodes = list(tree["nodes"])
    fridges = {node: tree["nodes"][node]["fridge"] for node in nodes}
    one = nodes[0]
    other = next(node for node in nodes if fridges[node] != fridges[one])
    for name, node in (("gauge_one", one), ("gauge_other", other)):
        tree["instruments"][name] = {"model": "srs_fs725", "address": "192.168.9.9"}
        tree["fridges"][fridges[node]]["instruments"] = [name]
    part = part_of(tree, [one])
    assert "gauge_one" in part["instruments"]
    assert "gauge_other" not in part["instruments"]
