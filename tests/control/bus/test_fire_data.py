from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from podium.control.bus.fire_data import FireData
from podium.control.bus.messages import CaptureData, Time
from podium.control.bus.wire import BadMessage, decode, encode

VALUES = np.arange(6.0).reshape(2, 3)
SENT = FireData(Time(7, 9), ("q0", "q1"), VALUES, -VALUES, VALUES.astype(np.int64), VALUES / 6, {})


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("with_results", [True, False])
def test_captures_come_back_by_name(shape: tuple[int, ...], with_results: bool) -> None:
    values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    results = values / 7 if with_results else None
    sent = FireData(Time(7, 9), ("q0", "q1"), values, -values, values.astype(np.int64), results, {})
    back = decode(encode(sent), FireData)
    assert back.started == Time(7, 9)
    assert list(back.captures) == ["q0", "q1"]
    for k, one in enumerate(back.captures.values()):
        assert one.i.shape == shape[1:]
        assert one.counts.dtype == np.int64
        np.testing.assert_array_equal(one.i, values[k])
        np.testing.assert_array_equal(one.q, -values[k])
        np.testing.assert_array_equal(one.counts, values[k])
        assert (one.trace_i, one.trace_q, one.out_of_range, one.clicks) == (
            None,
            None,
            False,
            False,
        )
        assert (one.results is not None) == with_results
        if one.results is not None:
            np.testing.assert_array_equal(one.results, values[k] / 7)


def test_captures_that_are_not_alike_come_back_beside_the_others() -> None:
    clicks = CaptureData(VALUES, VALUES, VALUES, None, None, False, clicks=True)
    back = decode(encode(replace(SENT, others={"tagger": clicks})), FireData).captures
    assert list(back) == ["q0", "q1", "tagger"]
    assert back["tagger"].clicks
    np.testing.assert_array_equal(back["tagger"].i, VALUES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"i": VALUES[:1]},
        {"q": VALUES[:, 0][:1]},
        {"counts": np.array(3)},
        {"results": np.zeros((3, 3))},
        {"names": ("q0",)},
        {"names": ()},
    ],
)
def test_arrays_of_other_captures_than_are_named_are_refused(wrong: dict[str, Any]) -> None:
    made = object.__new__(FireData)
    for name in FireData.__slots__:
        object.__setattr__(made, name, wrong.get(name, getattr(SENT, name)))
    with pytest.raises(BadMessage):
        decode(encode(made), FireData)
