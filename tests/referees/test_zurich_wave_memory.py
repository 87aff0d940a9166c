"""The vendor's compiler judges how much of a channel's waveform memory a table takes."""

import random

import pytest
from zhinst.core import compile_seqc

from podium.control.compilers.errors import TooLarge
from podium.control.compilers.zurich.waves import Content, WavePart, WaveTable
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.awg_limits import SHF_RATE_HZ


def theirs_fits(lengths: list[int]) -> bool:
    said = "".join(
        f"assignWaveIndex(placeholder({one}), placeholder({one}), {index});\n"
        for index, one in enumerate(lengths)
    )
    try:
        compile_seqc(said, "SHFSG8", options="", index=0)
    except RuntimeError as error:
        if "not fitting into wave memory" not in str(error):
            raise
        return False
    return True


def ours_fit(lengths: list[int]) -> int:
    """Return how many of the waveforms can be stored."""
    table = WaveTable("sg", SHF_RATE_HZ, "q0.drive")
    for index, one in enumerate(lengths):
        part = WavePart(Square(1), 0, turns=float(index))
        try:
            table.store(Content(one, (part,)))
        except TooLarge:
            return index
    return len(lengths)


def drawn(seed: int) -> list[int]:
    chance = random.Random(seed)
    kinds = [16 * chance.randint(2, chance.choice((20, 64, 300))) for _ in range(seed % 5 + 1)]
    return [chance.choice(kinds) for _ in range(3100)]


@pytest.mark.parametrize("seed", range(6))
def test_a_table_is_full_where_the_vendors_compiler_says_so(seed: int) -> None:
    lengths = drawn(seed)
    count = ours_fit(lengths)
    assert 0 < count < len(lengths)
    assert theirs_fits(lengths[:count])
    assert not theirs_fits(lengths[: count + 1])


def test_waveforms_that_are_a_little_longer_than_a_page_take_two() -> None:
    assert ours_fit([1040] * 60) == 48
    assert ours_fit([4112] * 60) == 19
    assert ours_fit([272] * 400) == 288
