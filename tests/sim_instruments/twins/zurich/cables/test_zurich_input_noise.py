"""Noise of inputs on cables: how much there is, in what it shows, and that it is the seed's."""

import numpy as np
import pytest
from tests.benches.zurich.analyser import Analyser
from tests.benches.zurich.device_bench import MS, QA, READOUT, US

from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.physics.cable import WhiteNoise
from podium.sim_instruments.twins.zurich.cables.analyser_cable import density_dbm_per_hz, sigma_v
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

READS = "repeat (400) { playZero(2048); startQA(QA_GEN_0, 0x3, true, 0, 0x0); }"
FALSE_ALARM = 5.0
"""Sigmas: less than one in a million."""


class Noisy(Analyser):
    """The same, with noise at its inputs."""

    def __init__(self, seed=1) -> None:
        super().__init__()
        self.execution = ProgramExecution(noise_seed=seed)
        server = DataServer("1", {12002: "SHFQA4"}, execution=self.execution)
        self.devices = {device.model.name: device for device in server.devices}
        for side in ("input", "output"):
            self.set(f"qachannels/0/{side}/on", 1)
        self.set("scopes/0/single", 1)
        self.set("qachannels/0/mode", 1)

    def results(self, units=(0, 1), count=400):
        self.set(f"{READOUT}/result/length", count)
        self.set(f"{READOUT}/result/enable", 1)
        self.run(READS)
        self.wait(20 * MS)
        for _ in range(20):
            if not self.get(f"{READOUT}/result/enable"):
                break
        return [numbers_of(self.get(f"{READOUT}/result/data/{unit}/wave")) for unit in units]


def test_it_is_140_db_below_the_range_and_never_below_what_an_amplifier_adds():
    assert density_dbm_per_hz(0) == pytest.approx(-140, abs=0.1)
    assert density_dbm_per_hz(10) == pytest.approx(-130, abs=0.1)
    assert density_dbm_per_hz(-50) == pytest.approx(-164, abs=0.1)
    # 1e-17 W in each of 2e9 Hz at 50 ohms.
    assert sigma_v(0) == pytest.approx(np.sqrt(100 * 1e-17 * 2e9), rel=0.01)


def test_records_are_as_noisy_as_their_range_and_averages_have_less():
    for range_dbm, averages in ((10, 1), (-10, 1), (-10, 25)):
        bench = Noisy()
        bench.set("qachannels/0/input/range", range_dbm)
        bench.set("scopes/0/length", 4096)
        bench.listen(0, trigger_enable=0, averaging_enable=1, averaging_count=averages)
        bench.wait(MS)
        found = np.mean(np.abs(bench.record()) ** 2)
        wanted = sigma_v(range_dbm) ** 2 / averages
        assert found == pytest.approx(wanted, rel=FALSE_ALARM / np.sqrt(4096))


def test_sums_have_the_noise_of_their_weights_and_what_weights_share_they_share():
    bench, samples = Noisy(), 512
    weights = np.exp(0.1j * np.arange(samples)), np.linspace(0, 1, samples) + 0j
    bench.set(f"{READOUT}/integration/length", samples)
    for unit, one in enumerate(weights):
        bench.set(f"{READOUT}/integration/weights/{unit}/wave", vector_of(one))
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(np.zeros(8) + 0j))
    found = np.array(bench.results())
    sigma, rough = sigma_v(10), FALSE_ALARM / np.sqrt(400)
    for unit, one in enumerate(weights):
        wanted = sigma**2 * np.sum(np.abs(one) ** 2)
        assert np.mean(np.abs(found[unit]) ** 2) == pytest.approx(wanted, rel=rough)
    alike = WhiteNoise(3, "x").sums(sigma_v(10), (weights[0], weights[0], 1j * weights[0]), 50)
    assert np.allclose(alike[:, 0], alike[:, 1])
    assert np.allclose(alike[:, 2], 1j * alike[:, 0])


def test_sums_are_distributed_as_those_of_samples():
    random = np.random.Generator(np.random.Philox(5))
    weights = tuple(random.normal(size=64) + 1j * random.normal(size=64) for _ in range(3))
    drawn = WhiteNoise(7, "y").sums(sigma_v(0), weights, 20_000)
    samples = WhiteNoise(8, "z").samples(sigma_v(0), (20_000, 64)) @ np.array(weights).T
    size = sigma_v(0) ** 2 * 128
    apart = drawn.conj().T @ drawn / 20_000 - samples.conj().T @ samples / 20_000
    assert np.abs(apart).max() < FALSE_ALARM * np.sqrt(2 / 20_000) * size


def test_it_is_the_seeds_and_never_twice_the_same():
    def told(seed):
        bench = Noisy(seed)
        bench.set(f"{READOUT}/integration/length", 128)
        bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(128) + 0j))
        return np.array([bench.results((0,)) for _ in range(2)])

    first = told(4)
    assert np.array_equal(first, told(4))
    assert not np.array_equal(first, told(5))
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("off", ["output", "input"])
def test_a_spectrum_without_a_signal_is_that_of_the_noise(off):
    bench, length, count = Noisy(), 2000, 300
    bench.set(f"qachannels/0/{off}/on", 0)
    bench.set("qachannels/0/input/range", -15)
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/spectroscopy/length", length)
    bench.set("qachannels/0/spectroscopy/psd/enable", 1)
    bench.set("qachannels/0/spectroscopy/trigger/channel", 32)
    bench.set("qachannels/0/spectroscopy/result/length", count)
    bench.set("qachannels/0/spectroscopy/result/enable", 1)
    bench.run(f"repeat ({count}) {{ playZero(4096); setTrigger(1); setTrigger(0); }}")
    bench.wait(MS)
    for _ in range(30):
        bench.wait(US)
    density = numbers_of(bench.get("qachannels/0/spectroscopy/result/data/wave")).real
    wanted = 50 * 1e-3 * 10 ** (density_dbm_per_hz(-15) / 10)  # V^2/Hz, rms
    assert density.mean() / wanted == pytest.approx(1, abs=FALSE_ALARM / np.sqrt(count))
    assert density.std() / density.mean() == pytest.approx(1, abs=0.4)  # an exponential law
    assert bench.get(f"{QA}/enable") == 0
