"""A record of results that one program begins and the next one fills."""

import pytest
from tests.benches.zurich.analyser import Analyser
from tests.benches.zurich.device_bench import MS, READOUT

from podium.firmware_interfaces.zurich.vector_headers import numbers_of


def reads(count: int) -> str:
    return f"repeat ({count}) {{ playZero(4096); startQA(QA_GEN_0, 0x3, true, 0, 0x0); }}"


@pytest.mark.parametrize("stopped", [False, True])
def test_the_next_program_goes_on_with_a_record_that_is_not_full(stopped: bool) -> None:
    bench = Analyser()
    bench.set(f"{READOUT}/result/length", 91)
    bench.set(f"{READOUT}/result/enable", 1)
    bench.run(reads(60))
    bench.wait(5 * MS)
    assert bench.get(f"{READOUT}/result/acquired") == 60
    assert bench.get(f"{READOUT}/result/enable") == 1
    if stopped:
        bench.set("qachannels/0/generator/enable", 0)
    bench.run(reads(31))
    bench.wait(5 * MS)
    assert bench.get(f"{READOUT}/result/enable") == 0
    assert len(numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))) == 91


def test_a_record_that_is_enabled_anew_begins_anew() -> None:
    bench = Analyser()
    bench.set(f"{READOUT}/result/length", 91)
    bench.set(f"{READOUT}/result/enable", 1)
    bench.run(reads(60))
    bench.wait(5 * MS)
    for value in (0, 1):
        bench.set(f"{READOUT}/result/enable", value)
    bench.run(reads(31))
    bench.wait(5 * MS)
    assert bench.get(f"{READOUT}/result/enable") == 1
    assert bench.get(f"{READOUT}/result/acquired") == 31
