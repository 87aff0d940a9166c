import json
import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.bluefors_tc import ApiError, Denied

LATEST = {  # TR 2.5.1
    "rez": 10002.996333333334,
    "angle": 89.59977777777777,
    "resistance": 10003.483555555556,
    "reactance": 1433539.4997777776,
    "magnitude": 10003.24,
    "imz": 69.80922222222222,
}
LATER = {  # TR 2.5.2
    "rez": 10003.664111111111,
    "angle": 89.6018888888889,
    "resistance": 10004.145555555557,
    "reactance": 1442043.1812222223,
    "magnitude": 10003.904888888888,
    "imz": 69.40755555555556,
}


@pytest.mark.parametrize("example", [LATEST, LATER])
def test_impedances_are_those_of_the_reference_s_examples(example) -> None:
    """They are means of several, so they fit to 1e-6, and the angle to 0.001 degrees."""
    found = api.impedance(example["resistance"], example["reactance"])
    for key in ("rez", "magnitude"):
        assert found[key] == pytest.approx(example[key], rel=1e-6), key
    assert found["imz"] == pytest.approx(example["imz"], rel=1e-3)
    assert found["angle"] == pytest.approx(example["angle"], abs=1e-3)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31 13:04", datetime(2024, 1, 31, 13, 4, tzinfo=UTC)),
        ("2024-01-31 13:04:43", datetime(2024, 1, 31, 13, 4, 43, tzinfo=UTC)),
        ("2024-01-31T13:04:43Z", datetime(2024, 1, 31, 13, 4, 43, tzinfo=UTC)),
        ("2024-01-31T13:04:43.060313Z", datetime(2024, 1, 31, 13, 4, 43, 60313, tzinfo=UTC)),
    ],
)
def test_times_come_in_the_formats_of_the_reference(text, moment) -> None:
    assert api.parse_utc(text) == moment


def test_a_time_is_written_as_the_reference_writes_it() -> None:
    moment = datetime(2024, 1, 31, 13, 4, 43, 60313, tzinfo=UTC)
    assert api.utc_text(moment.timestamp()) == "2024-01-31T13:04:43.060313Z"
    with pytest.raises(ApiError, match="is no time"):
        api.parse_utc("31.1.2024")


def test_an_answer_goes_there_and_back_with_what_its_sender_knows_it_by() -> None:
    body = api.answer_body({"sender": "me", "hash": "7", "x": 1}, 1.5, {"active": True})
    said = api.read_answer(body)
    assert (said["sender"], said["hash"], said["active"]) == ("me", "7", True)
    assert "x" not in said
    assert api.answered_at(said) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_the_reference_s_error_is_told_by_code_and_message() -> None:
    body = json.dumps(
        {
            "sender": "client-name-or-id",
            "hash": "this-is-just-hash-number-issued-by-client",
            "datetime": "2024-01-31T13:04:43.060313Z",
            "status": "ERROR",
            "error": {
                "code": 123,
                "message": "Wrong parameters provided.",
                "details": "Here are additional information as a string.",
            },
        }
    )
    with pytest.raises(Denied, match="error 123: Wrong parameters provided") as caught:
        api.read_answer(body.encode())
    assert caught.value.code == 123
    with pytest.raises(Denied, match="no such heater"):
        api.read_answer(b'{"status": "ERROR", "error_msg": "no such heater"}')


def test_the_newest_sample_counts_and_what_is_no_number_is_none() -> None:
    def told(times: list, values: list) -> dict:
        return {"measurements": {"timestamp": times, "temperature": values}}

    assert api.last_sample(told([3, 1, 2], [0.3, 0.1, 0.2]), "temperature") == 0.3
    assert api.last_sample(told([1, 2], [0.1, None]), "temperature") is None
    assert api.last_sample(told([], []), "temperature") is None
    assert api.last_sample(told([1], [math.nan]), "temperature") is None
    for bad in ({}, told([1], []), told(["a"], [1]), {"measurements": 3}):
        with pytest.raises(ApiError):
            api.last_sample(bad, "temperature")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [*api.HEATER_SETTINGS, *api.CHANNEL_SETTINGS, "heater_nr", "data", "measurements", "status"]
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_any_object_is_read_or_an_error(given_object) -> None:
    for read in (
        api.read_heater,
        api.read_list,
        api.answered_at,
        lambda one: api.last_sample(one, "temperature"),
        lambda one: api.settings_in(one, api.HEATER_SETTINGS),
        lambda one: api.settings_in(one, api.CHANNEL_SETTINGS),
    ):
        with suppress(ApiError):
            read(given_object)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_payload_or_an_error(body) -> None:
    for read in (api.read_payload, api.read_answer):
        with suppress(ApiError):
            read(body)
