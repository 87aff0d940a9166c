"""Results of readouts and of spectroscopy over cables, against the plainest sums."""

import numpy as np
import pytest
from tests.benches.zurich.analyser import GHZ, Analyser, padded, same
from tests.benches.zurich.device_bench import MS, READOUT
from tests.benches.zurich.direct_results import integrate

from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings

RANDOM = np.random.Generator(np.random.Philox(5))
SPECTROSCOPY = "qachannels/0/spectroscopy"


def within_full_scale(*shape):
    parts = RANDOM.uniform(-0.7, 0.7, (2, *shape))
    return parts[0] + 1j * parts[1]


@pytest.fixture
def bench():
    return Analyser()


def read_out(bench, program, waves, weights, units, count, **nodes):
    for slot, wave in enumerate(waves):
        bench.set(f"qachannels/0/generator/waveforms/{slot}/wave", vector_of(wave))
    for unit, one in enumerate(weights):
        bench.set(f"{READOUT}/integration/weights/{unit}/wave", vector_of(one))
    for node, value in ({"result/length": count, "result/enable": 1} | nodes).items():
        bench.set(f"{READOUT}/{node}", value)
    bench.run(program)
    bench.wait(MS)
    assert bench.get(f"{READOUT}/result/enable") == 0
    return np.array([numbers_of(bench.get(f"{READOUT}/result/data/{k}/wave")) for k in units]).T


def test_results_are_the_sums_of_products_over_the_window(bench):
    waves = within_full_scale(300), within_full_scale(201) * 0.4
    weights = within_full_scale(64), within_full_scale(400), np.ones(16) + 0j
    found = read_out(
        bench,
        "repeat (3) { playZero(4096); startQA(QA_GEN_0, 0x7, true, 0, 0x0);"
        "playZero(4096); startQA(QA_GEN_1, 0x7, true, 0, 0x0); }",
        waves, weights, range(3), 6,
        **{"integration/length": 256, "integration/delay": 40 / GHZ},
    )  # fmt: skip
    settings = ReadoutSettings(256, 40, weights)
    records = np.array([padded(wave) for wave in waves])
    assert found == pytest.approx(np.tile(integrate(records, settings), (3, 1)), rel=1e-9)


def test_a_pulse_is_still_there_when_the_next_window_opens(bench):
    wave, samples = within_full_scale(1500), 256
    program = (
        "playZero(4096); playZero(1024); startQA(QA_GEN_0, 0x1, true, 0, 0x0); playZero(4096);"
        "startQA(0, 0x1, true, 0, 0x0);"
    )
    length = {"integration/length": samples}
    ones = (np.ones(samples) + 0j,)
    found = read_out(bench, program, (wave,), ones, range(1), 2, **length)[:, 0]
    assert found == pytest.approx([wave[:samples].sum(), wave[1024 : 1024 + samples].sum()])


def test_readout_pulses_add_up_within_full_scale(bench):
    waves = np.full(4, 0.75 + 0.1j), np.full(6, 0.5 - 0.2j)
    for slot, wave in enumerate(waves):
        bench.set(f"qachannels/0/generator/waveforms/{slot}/wave", vector_of(wave))
    bench.set("qachannels/0/generator/delay", 4 / GHZ)
    bench.listen(0)
    bench.run("playZero(4096); startQA(QA_GEN_0 | QA_GEN_1, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(MS)
    wanted = np.array([*[1 - 0.1j] * 4, *[0.5 - 0.2j] * 2])
    assert same(bench.record(), padded(wanted, 4))


def test_spectroscopy_sees_what_of_the_envelope_lies_in_its_window(bench):
    envelope, samples = np.linspace(0, 1, 64) * np.exp(0.3j), 48
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/oscs/0/gain", 0.5)
    bench.set("qachannels/0/oscs/0/freq", 1e8)
    bench.set(f"{SPECTROSCOPY}/trigger/channel", 32)
    bench.set(f"{SPECTROSCOPY}/envelope/wave", vector_of(envelope))
    bench.set(f"{SPECTROSCOPY}/envelope/enable", 1)
    bench.set(f"{SPECTROSCOPY}/envelope/delay", 8 / GHZ)
    bench.set(f"{SPECTROSCOPY}/length", samples)
    bench.set(f"{SPECTROSCOPY}/result/length", 2)
    bench.set(f"{SPECTROSCOPY}/result/enable", 1)
    bench.run("repeat (2) { playZero(4096); setTrigger(1); playZero(64); setTrigger(0); }")
    bench.wait(MS)
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    wanted = 0.5 * envelope[: samples - 8].sum() / samples / np.sqrt(2)
    assert found == pytest.approx(np.full(2, wanted), rel=1e-9)
