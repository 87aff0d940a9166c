"""A plant that answers who supervises it: sensors, faults, and the truth at the end."""

import pytest

from podium.sim_instruments.physics.cryostat.fridge_dialogue import BadRequest, dialogue
from podium.sim_instruments.physics.cryostat.parameters import LD250, LD400, XLD1000
from podium.sim_instruments.physics.cryostat.variation import varied


def test_varied_fridges_differ_within_the_part_and_by_seed() -> None:
    one, other = varied(LD400, 0.2, 1), varied(LD400, 0.2, 2)
    assert one != other
    assert one == varied(LD400, 0.2, 1)
    assert varied(LD400, 0.0, 1) == LD400
    shares = [a / b for a, b in zip(one.stages.masses_kg, LD400.stages.masses_kg, strict=True)]
    shares += [one.gas.impedance / LD400.gas.impedance, one.pulse_tube_scale]
    assert len(set(shares)) == len(shares)
    assert all(0.8 <= share <= 1.2 for share in shares)
    assert one.gas.relief_pa == LD400.gas.relief_pa


@pytest.mark.parametrize("parameters", [LD250, LD400, XLD1000])
def test_each_varied_fridge_stays_cold(parameters) -> None:
    for seed in range(2):
        about = dialogue(parameters, seed, 0.2)
        about.answer({"do": "advance", "to_s": 3600.0})
        state = about.plant.state(round(about.now_s * 1e15))
        assert state.temperatures[4] < 0.012
        assert state.liquid_mol > 0.8 * parameters.dilution.mixture_mol
        assert about.outcome.starts == {}


def test_two_thermometers_of_a_stage_differ_by_a_constant_factor() -> None:
    about = dialogue(LD400, 3, 0.2)
    shares = []
    for k in range(1, 30):
        shown = about.answer({"do": "advance", "to_s": 60.0 * k})["readings"]
        shares.append(shown["thermometry_a.still"] / shown["thermometry_b.still"])
    sensors = about.panel.sensors
    factors = [sensors[f"thermometry_{box}.still"].factor for box in "ab"]
    assert sum(shares) / len(shares) == pytest.approx(factors[0] / factors[1], rel=3e-3)
    assert 1e-3 < max(shares) - min(shares) < 2e-2


def test_what_is_shown_depends_on_nobodys_looking() -> None:
    one, other = dialogue(LD400, 4, 0.2), dialogue(LD400, 4, 0.2)
    for k in range(1, 61):
        one.answer({"do": "advance", "to_s": 10.0 * k})
    other.answer({"do": "advance", "to_s": 600.0})
    asked = {"do": "advance", "to_s": 630.0}
    assert one.answer(asked) == other.answer(asked)


def test_sensors_drift_stick_and_are_disconnected() -> None:
    about = dialogue(LD400, 5, 0.0)
    about.answer({"do": "advance", "to_s": 60.0})
    for fault, stage in (("drift", "still"), ("stuck", "second_stage"), ("disconnected", "still")):
        box = "b" if fault == "disconnected" else "a"
        reading = f"thermometry_{box}.{stage}"
        asked = {"do": "sensor", "reading": reading, "fault": fault, "per_hour": 0.1}
        assert about.answer(asked) == {"done": True}
    first = about.answer({"do": "advance", "to_s": 70.0})["readings"]
    later = about.answer({"do": "advance", "to_s": 70.0 + 7200.0})["readings"]
    assert later["thermometry_a.still"] / first["thermometry_a.still"] == pytest.approx(
        1.2214, rel=0.02
    )
    assert later["thermometry_a.second_stage"] == first["thermometry_a.second_stage"]
    assert later["thermometry_b.still"] is None
    about.answer({"do": "mend", "reading": "thermometry_b.still"})
    assert about.panel.read(round(about.now_s * 1e15))["thermometry_b.still"] is not None


def test_the_truth_says_what_would_have_come_of_a_fault_and_ends_the_dialogue() -> None:
    about = dialogue(LD400, 6, 0.0)
    about.answer({"do": "advance", "to_s": 100.0})
    about.answer({"do": "fault", "name": "compressor_trip"})
    about.answer({"do": "repair", "name": "compressor_trip"})
    about.answer({"do": "write", "values": {"pulse_tube.on": 1}})
    about.answer({"do": "advance", "to_s": 4000.0})
    truth = about.answer({"do": "truth"})
    assert truth["outcome"]["events_s"] == {}
    (alone,) = truth["unattended"]
    assert (alone["fault"], alone["at_s"]) == ("compressor_trip", 100.0)
    events = alone["events_s"]
    assert 130.0 < events["second_stage_above_10K"] < 190.0
    assert 900.0 < events["mixture_boils_off"] < 1500.0
    assert alone["lost_mol"] == 0.0
    with pytest.raises(BadRequest, match="over"):
        about.answer({"do": "advance", "to_s": 5000.0})


def test_lost_helium_is_told() -> None:
    about = dialogue(LD400, 7, 0.0)
    about.answer({"do": "fault", "name": "leak", "size": 1e-4})
    about.answer({"do": "advance", "to_s": 2000.0})
    assert "helium_lost" in about.answer({"do": "truth"})["outcome"]["events_s"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": "advance"},
        {"do": "advance", "to_s": -1},
        {"do": "advance", "to_s": float("nan")},
        {"do": "write", "values": {"nothing": 1}},
        {"do": "write", "values": {"valve.v1.open": 2}},
        {"do": "fault", "name": "meteor"},
        {"do": "sensor", "reading": "thermometry_a.still", "fault": "sad"},
        {"do": "sensor", "reading": "nobody", "fault": "stuck"},
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(request_) -> None:
    about = dialogue(LD400, 8, 0.0)
    with pytest.raises(BadRequest):
        about.answer(request_)
    assert about.now_s == 0.0
    assert about.forks == []
