import json

import pytest

from podium.firmware_interfaces.zurich.command_table import (
    HDAWG,
    SHFSG,
    BadCommandTable,
    Change,
    WavePlay,
    ZeroPlay,
    parse_command_table,
)


def table(entries, family=SHFSG, **header):
    header = {"version": family.versions[0]} | header
    return parse_command_table(json.dumps({"header": header, "table": entries}), family)


def test_entries_come_frozen_with_what_they_say():
    read = table(
        [
            {
                "index": 7,
                "waveform": {"index": 2, "samplingRateDivider": 1},
                "amplitude10": {"value": 0.5, "increment": True},
                "oscillatorSelect": {"value": 3},
            },
            {"index": 8, "waveform": {"playZero": True, "length": 64}},
        ]
    )
    first, second = read.entries
    assert first.play == WavePlay(2, None, 1)
    assert first.amplitudes == (None, None, Change(0.5, True), None)
    assert first.oscillator == 3
    assert second.play == ZeroPlay(64, None)


def test_outputs_are_those_that_an_entry_names():
    (entry,) = table(
        [{"index": 0, "waveform": {"index": 0, "awgChannel1": ["sigout1", "sigout0"]}}], HDAWG
    ).entries
    assert entry.play.outputs == (None, (0, 1))


def test_a_partial_table_leaves_the_other_entries():
    before = table([{"index": 1}, {"index": 2}])
    after = table([{"index": 2, "phase": {"value": 5}}, {"index": 0}], partial=True)
    merged = after.onto(before)
    assert [entry.index for entry in merged.entries] == [0, 1, 2]
    assert merged.entries[2].phases == (Change(5.0, False),)
    assert table([{"index": 9}]).onto(before).entries[0].index == 9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "the table is list"),
        ('{"header":{}}', "header has no 'version'"),
        ('{"header":{"version":"9"}}', "takes 1.1.0 or 1.1"),
        ('{"header":{"version":"1.1"},"tables":[]}', "known are"),
        ('{"header":{"version":"1.1"},"table":{}}', "a list of up to 4096"),
        ('{"header":{"version":"1.1"},"table":[{"index":4096}]}', "index is 4096"),
        (
            '{"header":{"version":"1.1"},"table":[{"index":0,"waveform":{"index":0,"length":40}}]}',
            "waveform.length is 40: 32 at least, in steps of 16",
        ),
        (
            '{"header":{"version":"1.1"},"table":[{"index":0},{"index":0,"amplitude00":'
            '{"value":1.5}}]}',
            r"table\[1\].amplitude00.value is 1.5",
        ),
    ],
)
def test_a_bad_table_is_refused_with_the_place(text, says):
    with pytest.raises(BadCommandTable, match=says):
        parse_command_table(text, SHFSG)
