import json
from dataclasses import replace
from math import isnan, nan

import pytest
from tests.benches.campaign.synthetic_worlds import made_world, with_scans

from podium.control.campaign.world_record import Recovery, from_json, to_json


def test_a_record_comes_back_from_its_line_unchanged() -> None:
    record = with_scans(made_world(3), 1.0)
    assert from_json(json.loads(json.dumps(to_json(record), allow_nan=False))) == record


def test_what_was_not_found_is_null_in_the_file_and_has_no_pull() -> None:
    missing = Recovery("node_a.q0.t1", nan, nan, "s", 33e-6)
    record = replace(made_world(3), recoveries=(missing,))
    content = to_json(record)
    assert content["parameters"]["node_a.q0.t1"] == {
        "value": None,
        "sigma": None,
        "unit": "s",
        "truth": 33e-6,
        "pull": None,
    }
    (again,) = from_json(content).recoveries
    assert not again.found
    assert isnan(again.pull)
    assert again.truth == 33e-6


def test_a_pull_is_the_error_over_sigma() -> None:
    one = Recovery("node_a.q0.t1", 34e-6, 0.5e-6, "s", 33e-6)
    assert (one.qubit, one.quantity) == ("node_a.q0", "t1")
    assert one.pull == pytest.approx(2.0)


def test_a_sigma_of_zero_is_no_finding() -> None:
    assert not Recovery("node_a.q0.t1", 34e-6, 0.0, "s", 33e-6).found
