"""What people get wrong in the facility file of a fridge: each with its line, fault and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.benches.supervision.bare_facility import OPERATED, bare_text, text_with

from podium.control.facility.example import COLD_SIDE, example_facility
from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.supervision.model_parameters import MODELS
from podium.firmware_interfaces.fridge_stages import FRIDGE_MODELS

COLD = example_facility(COLD_SIDE)

ENABLED = f"{OPERATED}\n    procedures: "
SECOND = """  fridge_b:
    thermometer: thermometry_b.mixing_chamber
    cold_below: 30 mK
    instruments: [{}]

instruments:
  thermometry_b:
    model: lakeshore_336
    address: "TCPIP::192.168.0.9::7777::SOCKET"
    channels: {{1: mixing_chamber}}
"""
TURBO = """
  turbo_c:
    model: pfeiffer_tc400
    address: 192.168.0.99
    pump: {}
"""

CASES = {
    "a heater that no fridge has": (
        "heaters: {0: mixing_chamber}",
        "heaters: {0: stil}",
        "stil}",
        "'stil' is not known; did you mean 'still'?",
    ),
    "a heater wired to two outputs": (
        "heaters: {0: mixing_chamber}",
        "heaters: {0: still, 2: still }",
        "still }",
        "the heater still of fridge_a is wired to thermometry_a already (line ",
    ),
    "a gauge wired twice": (
        "6: p6}",
        "6: p1}",
        "p1}",
        "the gauge p1 of fridge_a is wired to gauges_a already (line ",
    ),
    "a turbo pump named twice": (
        "turbo_a]\n\ninstruments:\n",
        "turbo_a, turbo_c]\n\ninstruments:\n" + TURBO.format("turbo1 "),
        "turbo1 \n",
        "the turbo pump turbo1 of fridge_a is wired to turbo_a already (line ",
    ),
    "an instrument of no fridge": (
        OPERATED,
        "instruments: [control_a, compressor_a, gauges_a]",
        "pump: turbo1",
        "the turbo pump turbo1 is of no fridge; add turbo_a to the 'instruments' of fridge_a",
    ),
    "an instrument that is not there": (
        "gauges_a, turbo_a]",
        "gauges_a, turbo_b]",
        "turbo_b]",
        "there is no instrument 'turbo_b'; did you mean 'turbo_a'?",
    ),
    "a thermometer of another fridge": (
        "\ninstruments:\n",
        SECOND.format("").replace("thermometry_b.mixing_chamber", "control_a.mixing_chamber"),
        "control_a.mixing_chamber\n",
        "control_a is an instrument of fridge_a: fridge_b would count as cold when fridge_a is",
    ),
    "an instrument in two fridges": (
        "\ninstruments:\n",
        SECOND.format("compressor_a "),
        "compressor_a ]",
        "compressor_a is of fridge_a already",
    ),
    "a channel that is not there": (
        "thermometry_a.mixing_chamber",
        "thermometry_a.mixing_chambre",
        "thermometry_a.mixing_chambre",
        "thermometry_a has no channel 'mixing_chambre'; did you mean 'mixing_chamber'?",
    ),
    "a thermometer whose channel is not said": (
        "thermometry_a.mixing_chamber",
        "thermometry_a ",
        "thermometry_a \n",
        "thermometry_a has channels: say which one, as thermometry_a.50K; there is 50K, 4K, ",
    ),
    "a thermometer of a stage that never gets so cold": (
        "thermometer: thermometry_a.mixing_chamber",
        "thermometer: thermometry_a.still ",
        "thermometry_a.still ",
        "still never gets as cold as 30 mK, so that nothing would ever be played; name a ",
    ),
    "cold that is none": (
        "cold_below: 30 mK",
        "cold_below: 4 K",
        "4 K",
        "4 K is no limit for playing on qubits; write at most 1 K",
    ),
    "an unknown procedure": (
        OPERATED,
        ENABLED + "[cooldwn]",
        "cooldwn",
        "there is no procedure 'cooldwn'; did you mean 'cooldown'?",
    ),
    "a procedure named twice": (
        OPERATED,
        ENABLED + "[cooldown, recover, cooldown ]",
        "cooldown ]",
        "cooldown is named twice; remove one of them",
    ),
    "a procedure without the software that opens valves": (
        OPERATED,
        "instruments: [compressor_a, gauges_a, turbo_a]\n    procedures: [condense]",
        "condense]",
        "condense needs valve.v1.open, valve.v2.open, valve.v3.open and 15 more; add to "
        "'instruments' the software that operates it (bluefors_control) and a box with that "
        "heater, or remove condense",
    ),
    "a procedure without its compressor": (
        OPERATED,
        "instruments: [control_a, gauges_a, turbo_a]\n    procedures: [recover]",
        "recover]",
        "recover needs compressor.running; add to 'instruments' its helium compressor "
        "(cryomech_cpa), or remove recover",
    ),
    "procedures that are no list": (
        OPERATED,
        ENABLED + "cooldown",
        "cooldown",
        "a list ([a, b]) is wanted here, not 'cooldown'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_cold_facility_is_refused_with_line_fault_and_remedy(
    case: str, tmp_path: Path, refuses_in: Callable[[Path, str, str, str, str], None]
) -> None:
    sound = tmp_path / "sound.yaml"
    sound.write_text(bare_text())
    load_facility(sound)
    refuses_in(sound, *CASES[case])


def test_procedures_are_off_unless_they_are_named(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(bare_text())
    assert load_facility(file).fridges["fridge_a"].procedures == ()
    file.write_text(text_with("warm_up", "cooldown", "recover"))
    fridge = load_facility(file).fridges["fridge_a"]
    assert fridge.procedures == ("warm_up", "cooldown", "recover")


def test_a_channel_that_names_no_stage_is_remarked_on(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    text = bare_text().replace("2: 4K,", "2: stage_two,", 1)
    file.write_text(text)
    (remark,) = [one for one in load_with_remarks(file)[1] if "names no stage" in str(one)]
    assert "'stage_two' names no stage of fridge_a" in str(remark)
    assert remark.line == text[: text.index("stage_two")].count("\n") + 1


def test_a_model_of_fridge_that_is_not_known_is_remarked_on(tmp_path: Path) -> None:
    assert tuple(MODELS) == FRIDGE_MODELS
    file = tmp_path / "facility.yaml"
    for model, hint in (("LD40", "did you mean 'LD400'?"), ("Triton", "there is LD250, LD400")):
        text = COLD.read_text().replace("model: LD400", f"model: {model}", 1)
        file.write_text(text)
        (remark,) = load_with_remarks(file)[1]
        assert "no observer" in str(remark)
        assert hint in str(remark)
        assert remark.line == text[: text.index(model)].count("\n") + 1
    assert load_with_remarks(COLD)[1] == ()
