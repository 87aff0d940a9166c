import numpy as np

from podium.firmware_interfaces.zurich.values import Element, Layout
from podium.firmware_interfaces.zurich.vector_headers import (
    ResultHeader,
    numbers_of,
    result_vector,
)


def test_results_lie_behind_a_header_of_twenty_words():
    numbers = np.array([1 + 2j, 3 - 4j])
    found = result_vector(numbers, ResultHeader(7, 2, 3, 0.5, 5e9, 1, 100, 0, 4, 8, 9, 10, 11, 12))
    assert (found.element, found.layout) == (Element.COMPLEX_DOUBLE, Layout.RESULT_LOGGER)
    assert found.header == 2 << 16 | 20
    assert numbers_of(found).tolist() == numbers.tolist()
    words = np.frombuffer(found.content[:80], "<u4").tolist()
    assert words[:4] == [7, 0, 2, 3]
    assert words[8:16] == [1, 100, 0, 4, 8, 9 | 10 << 16, 11, 0]
    assert words[16:] == [12, 0, 0, 0]
    assert np.frombuffer(found.content[16:32], "<f8").tolist() == [0.5, 5e9]


def test_states_are_real_numbers():
    found = result_vector(np.array([0.25, 0.5]), ResultHeader())
    assert numbers_of(found).tolist() == [0.25, 0.5]
