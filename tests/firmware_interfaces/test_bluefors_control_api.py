import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import (
    ApiError,
    Assignment,
    ErrorWords,
    Node,
    Sample,
    Status,
    Type,
)

samples = st.builds(
    Sample,
    st.text(max_size=8) | st.floats(allow_nan=False).map(repr),
    st.integers(0, 2**45),
    st.sampled_from(Status),
    st.booleans(),
)
paths = st.lists(st.sampled_from(["mapper", "bf", "p1", "v23"]), min_size=1, max_size=4).map(
    ".".join
)


@given(st.lists(st.builds(Node, paths, st.just("Value"), samples, samples, st.booleans())))
def test_what_is_answered_is_read_as_it_was(nodes) -> None:
    body = json.dumps({"data": api.values_object(nodes)}).encode()
    assert api.read_values(body) == {node.path: node.latest for node in nodes}


@given(st.lists(st.builds(Assignment, paths, st.none() | st.text(max_size=8))))
def test_what_is_set_is_read_as_it_was(assignments) -> None:
    by_path = {one.path: one for one in assignments}
    found = api.read_request(api.assignments_body(assignments))
    assert {one.path: one for one in found} == by_path


@given(st.binary(max_size=200))
def test_any_body_is_an_answer_or_an_error(body) -> None:
    for read in (api.read_values, api.read_system, api.read_request, api.error_of):
        with suppress(ApiError):
            read(body)


def test_the_published_answer() -> None:
    """As clients print it."""
    body = b"""{"data":{"mapper.bf.temperatures.tmixing":{"name":"mapper.bf.temperatures.tmixing",
    "type":"Value.Number.Float.Unit.temperature","content":{"latest_value":{"value":"0.0084",
    "outdated":false,"date":1700000000000,"status":"SYNCHRONIZED","exception":""},
    "latest_valid_value":{"value":"0.0084","outdated":false,"date":1700000000000,
    "status":"SYNCHRONIZED","exception":""},"read_only":true}}}}"""
    found = api.read_values(body)["mapper.bf.temperatures.tmixing"]
    assert found == Sample("0.0084", 1_700_000_000_000, Status.SYNCHRONIZED)
    assert found.number == 0.0084
    sample = Node(
        "mapper.bf.temperatures.tmixing", Type.TEMPERATURE.value, found, found, read_only=True
    )
    assert {"data": api.values_object([sample])} == json.loads(body)


@pytest.mark.parametrize(
    "sample",
    [
        Sample("0.01", 0, Status.INVALID),
        Sample("0.01", 0, Status.DISCONNECTED),
        Sample("0.01", 0, Status.CHANGED),
        Sample("0.01", 0, Status.SYNCHRONIZED, outdated=True),
        Sample("", 0, Status.SYNCHRONIZED),
        Sample("T_OVER", 0, Status.SYNCHRONIZED),
    ],
)
def test_what_is_old_invalid_or_no_number_is_no_number(sample) -> None:
    assert math.isnan(sample.number)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "no JSON"),
        (b"[]", "no object but list"),
        (b'{"data": [1]}', "without data"),
        (b'{"data": {"a": {}}}', "'a' has no latest value"),
        (b'{"data": {"a": {"content": {"latest_value": {"status": "FINE"}}}}}', "'FINE'"),
        (
            b'{"data": {"a": {"content": {"latest_value": {"value": 3, "outdated": false, '
            b'"date": 1, "status": "QUEUED"}}}}}',
            "no text as its value",
        ),
        (b'{"error": {"code": 3, "name": "N", "description": "d"}}', "N: d"),
        (b'{"error": 5, "data": {}}', "error: 5"),
    ],
)
def test_what_is_no_answer_says_why(body, says) -> None:
    with pytest.raises(ApiError, match=says):
        api.read_values(body)


def test_a_refusal_is_read_as_it_was() -> None:
    words = ErrorWords(404, "NODE_NOT_FOUND", "there is no value 'x'")
    assert api.error_of(json.dumps(api.error_object(words)).encode()) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.02, "0.02"), (True, "1"), (2e-05, "2e-05"), ("0.5", "0.5"), (-3.0, "-3")],
)
def test_a_value_is_text_number_or_truth_value(value, text) -> None:
    body = json.dumps({"data": {"a": {"content": {"value": value}}}}).encode()
    assert api.read_request(body) == (Assignment("a", text),)


@pytest.mark.parametrize("value", ["[]", "null", "1e999", "1" * 400, "NaN"])
def test_a_value_that_is_none_is_refused(value) -> None:
    with pytest.raises(ApiError, match="a value is text or a sound number"):
        api.read_request(b'{"data": {"a": {"content": {"value": %s}}}}' % value.encode())


def test_a_socket_command_takes_text_for_numbers_as_clients_send_it() -> None:
    asked = api.read_socket_command(
        '{"command": "read", "data": {"target": "mapper/bf.temperatures", "recursion": "1"}}'
    )
    assert (asked.command, asked.id, asked.target) == ("read", None, "mapper.bf.temperatures")
    assert (asked.recursion, asked.fields, asked.all) == (1, None, False)
    asked = api.read_socket_command(
        '{"command": "listen", "id": "1f", "data": {"target": "a", "recursive": "true", '
        '"fields": "value;status", "all": true}}'
    )
    assert (asked.id, asked.recursion, asked.all) == ("1f", -1, True)
    assert asked.fields == {"value", "status"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"command": 1}', '{"command": "read", "data": []}',
     '{"command": "read", "data": {"target": 1}}',
     '{"command": "read", "data": {"recursion": "deep"}}',
     '{"command": "set", "data": {"data": {"a": 1}}}'],
)  # fmt: skip
def test_a_socket_command_that_is_none_is_refused(text) -> None:
    with pytest.raises(ApiError):
        api.read_socket_command(text)


def test_paths_are_urls_with_dots_for_slashes() -> None:
    assert api.url_of("mapper.bf.flow") == "/values/mapper/bf/flow/"
    assert api.path_of("/mapper/bf/flow/") == "mapper.bf.flow"
    assert api.path_of("") == ""
