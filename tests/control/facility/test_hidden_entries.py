"""Two-level defects beside transmons and losses of fluxoniums, as the facility file writes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from podium.control.facility.load import load_facility

PLACE = "      q1:\n        kind: transmon\n"
SOUND = (
    "        defects: {per_ghz: 1.5, lowest: 5 GHz, highest: 6.1 GHz, coupling: 1 MHz, "
    "t1: 1 us, t2: 1.5 us}\n"
)


def test_a_file_with_defects_is_the_facility_without_as_control_sees_it(
    example: Path, tmp_path: Path
) -> None:
    text = example.read_text()
    assert PLACE in text
    file = tmp_path / "facility.yaml"
    file.write_text(text.replace(PLACE, PLACE + SOUND, 1))
    assert load_facility(file).nodes == load_facility(example).nodes


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ("highest: 6.1 GHz", "highest: 4.1 GHz", "4.1 GHz", "'highest' is not above 'lowest', 5"),
        ("t2: 1.5 us", "t2: 2.5 us", "2.5 us", "no T2 is above twice T1"),
        ("coupling: 1 MHz", "coupling: 0.0 MHz", "0.0 MHz", "it must be above zero"),
        ("per_ghz: 1.5", "per_ghz: -1", "-1, lowest", "it must not be negative"),
    ],
)
def test_impossible_defects_are_refused_at_their_place(
    refuses: Callable[[str, str, str, str], None], old: str, new: str, at: str, says: str
) -> None:
    assert old in SOUND
    refuses(PLACE, PLACE + SOUND.replace(old, new), at, says)


LOSSES = "        losses: {inductive_quality: 1e9, quasiparticles: 1e-8}\n"
FLUXONIUM = "      q0:\n        kind: fluxonium\n"


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ("inductive_quality: 1e9", "inductive_quality: 0.0", "0.0, quasi", "it must be above zero"),
        ("quasiparticles: 1e-8", "quasi_particles: 1e-8", "quasi_particles", "quasiparticles"),
    ],
)
def test_impossible_losses_of_a_fluxonium_are_refused_at_their_place(
    refuses_in: Callable[..., None], old: str, new: str, at: str, says: str
) -> None:
    ten = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"
    text = ten.read_text()
    assert FLUXONIUM in text
    assert old in LOSSES
    refuses_in(ten, FLUXONIUM, FLUXONIUM + LOSSES.replace(old, new), at, says)


LINKED = Path(__file__).parents[3] / "examples" / "linked" / "facility.yaml"
T1 = "          t1: {value: 5.0 us, spread: 0.2 us, assumed: true}\n"
T1_EF = "          t1_ef: {value: 2.3 us, spread: 0.1 us}\n"


def test_a_transmon_may_have_a_lifetime_of_2(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(LINKED.read_text().replace(T1, T1 + T1_EF))
    lives = load_facility(file).nodes["node_a"].qubits["q0"].design["t1_ef"]
    assert (lives.value, lives.spread, lives.unit) == (2.3e-6, 0.1e-6, "s")
    assert "t1_ef" not in load_facility(LINKED).nodes["node_a"].qubits["q0"].design


def test_a_lifetime_of_2_that_is_none_is_refused_at_its_place(
    refuses_in: Callable[..., None],
) -> None:
    wrong = T1_EF.replace("2.3 us", "0.0 us")
    refuses_in(LINKED, T1, T1 + wrong, "{value: 0.0 us", "it must be above zero")


NODE = "    qubits:\n"
CROSSTALK = "    drive_crosstalk: {value: 0.03, spread: 0.01}\n"


def test_a_file_with_crosstalk_of_drives_is_the_facility_without_as_control_sees_it(
    example: Path, tmp_path: Path
) -> None:
    text = example.read_text()
    assert NODE in text
    file = tmp_path / "facility.yaml"
    file.write_text(text.replace(NODE, CROSSTALK + NODE, 1))
    assert load_facility(file).nodes == load_facility(example).nodes


@pytest.mark.parametrize(
    ("new", "at", "says"),
    [
        ("value: 1.5", "1.5, spread", "1.5 is no part of an amplitude: write one from 0 to below"),
        ("value: -0.1", "-0.1, spread", "-0.1 is no part of an amplitude"),
        ("value: 3 MHz", "3 MHz", "a plain number is wanted"),
    ],
)
def test_impossible_crosstalk_of_drives_is_refused_at_its_place(
    refuses: Callable[[str, str, str, str], None], new: str, at: str, says: str
) -> None:
    refuses(NODE, CROSSTALK.replace("value: 0.03", new) + NODE, at, says)
