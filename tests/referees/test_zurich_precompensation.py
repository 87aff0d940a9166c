"""The vendor's own simulation of an HDAWG's filters against those of the twin.

``PrecompensationAdvisorModule`` of zhinst-core runs in the client and simulates the filters of the
hardware; the unmodified client sets the same filters at nodes of the twin.
"""

import time

import numpy as np
import pytest
import zhinst.core
from tests.benches.referees.zurich_laboratory import served
from zhinst.timing_models.output_models import HDAWGChannelModel, PrecompensationConf

from podium.firmware_interfaces.zurich.values import Element, Vector
from podium.sim_instruments.twins.zurich.signals.filter_kernel import WORD_MAX, FilterChain
from podium.sim_instruments.twins.zurich.signals.precompensation import precompensation_of

OUTPUT = "sigouts/2"
AT = f"/dev8001/{OUTPUT}/precompensation"
RATE_HZ = 2e9
BEGIN, COUNT = 203, 1000
"""The step is in the middle of a block of eight samples."""


class Filters:
    """Sets filters of the twin and of the vendor's simulation alike."""

    def __init__(self, server: "zhinst.core.ziDAQServer") -> None:
        self.server = server
        server.connectDevice("dev8001", "1GbE")
        server.setDouble("/dev8001/system/clocks/sampleclock/freq", RATE_HZ)
        server.sync()
        self.advisor = server.precompensationAdvisor()
        self.advisor.set("device", "dev8001")
        self.advisor.set("wave/input/source", 3)
        until_s = time.monotonic() + 10
        while self.advisor.getDouble("samplingfreq") != RATE_HZ:
            assert time.monotonic() < until_s

    def step(self) -> None:
        """Give the simulation a step that is one at :data:`RATE_HZ`: its input has 2.4 GSa/s."""
        level = np.zeros(COUNT * 6 // 5)
        level[BEGIN * 6 // 5 :] = 0.5
        self.advisor.set("wave/input/inputvector", level)

    def set(self, node: str, value: float) -> None:
        self.advisor.set(node, value)
        self.server.setDouble(f"{AT}/{node}", value)

    def held(self, node: str) -> tuple[float, float]:
        """Return what the vendor's simulation and the twin have made of it."""
        return self.advisor.getDouble(node), self.server.getDouble(f"{AT}/{node}")

    def setting(self, path: str) -> object:
        found = self.server.get(f"/dev8001/{path}", True)[f"/dev8001/{path}"]
        if path.endswith("coefficients"):
            return Vector(Element.DOUBLE, np.asarray(found[0]["vector"], np.float64).tobytes())
        return float(found["value"][0])

    def vendor(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what goes in and what comes out, as the vendor simulates it."""
        waves = [
            self.advisor.get(f"wave/output/{one}wave", True)[f"/wave/output/{one}wave"][0]["x"]
            for one in ("initial", "forward")
        ]
        return np.asarray(waves[0]), np.asarray(waves[1])

    def twin(self, given: np.ndarray) -> np.ndarray:
        filters = precompensation_of(self.setting, OUTPUT, RATE_HZ)
        assert filters is not None
        count = len(given)
        times, words, cut = FilterChain(filters).advance(np.arange(count), given, count)
        assert not cut
        at = np.searchsorted(times, np.arange(count), side="right")
        return np.append([0], words)[at] / WORD_MAX


@pytest.fixture(scope="module")
def filters(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        found = Filters(zhinst.core.ziDAQServer(one.host, one.port, 6))
        yield found
        found.advisor.clear()


@pytest.fixture(autouse=True)
def none_enabled(filters):
    parts = [f"exponentials/{k}" for k in range(8)] + ["highpass/0", "bounces/0", "fir"]
    for part in parts:
        filters.set(f"{part}/enable", 0)
    filters.set("highpass/0/timeconstant", 1e-6)
    filters.server.setInt(f"{AT}/enable", 1)
    filters.step()


def agree(filters: Filters) -> None:
    given, wanted = filters.vendor()
    made = filters.twin(given)
    assert np.abs(wanted).max() > 0.1
    # Words are rounded, the simulation is not.
    assert np.abs(made - wanted).max() * WORD_MAX < 0.51


@pytest.mark.parametrize(
    ("tau_s", "amplitude"),
    [(40e-9, -0.1), (40e-9, 0.1), (5e-9, 0.1), (1e-9, -0.9), (1e-9, 3.0), (20e-6, -0.01)],
)
def test_an_exponential_is_what_the_vendor_simulates(filters, tau_s, amplitude):
    for node, value in (("enable", 1), ("timeconstant", tau_s), ("amplitude", amplitude)):
        filters.set(f"exponentials/3/{node}", value)
    for node in ("timeconstant", "amplitude"):
        theirs, ours = filters.held(f"exponentials/3/{node}")
        assert ours == pytest.approx(theirs, rel=1e-12)
    agree(filters)


@pytest.mark.parametrize("tau_s", [1e-6, 30e-6, 1.0, 1e-13])
def test_a_high_pass_is_what_the_vendor_simulates(filters, tau_s):
    filters.set("highpass/0/enable", 1)
    filters.set("highpass/0/timeconstant", tau_s)
    theirs, ours = filters.held("highpass/0/timeconstant")
    assert ours == pytest.approx(theirs, rel=1e-12)
    if tau_s >= 1e-6:
        agree(filters)


def test_a_bounce_is_what_the_vendor_simulates(filters):
    for node, value in (("enable", 1), ("delay", 33.3e-9), ("amplitude", -0.21)):
        filters.set(f"bounces/0/{node}", value)
    assert filters.held("bounces/0/delay") == (33.5e-9, 33.5e-9)
    agree(filters)
    filters.set("bounces/0/delay", 1e-6)
    theirs, ours = filters.held("bounces/0/delay")
    assert ours == pytest.approx(theirs)


def test_all_together_are_what_the_vendor_simulates(filters):
    rng = np.random.default_rng(5)
    coefficients = np.append([0.9], rng.uniform(-0.02, 0.02, 39))
    filters.set("fir/enable", 1)
    filters.advisor.set("fir/coefficients", coefficients)
    filters.server.set(f"{AT}/fir/coefficients", coefficients)
    agree(filters)
    for number, tau_s, amplitude in ((0, 30e-9, -0.05), (7, 700e-9, 0.03)):
        filters.set(f"exponentials/{number}/timeconstant", tau_s)
        filters.set(f"exponentials/{number}/amplitude", amplitude)
        filters.set(f"exponentials/{number}/enable", 1)
    filters.set("highpass/0/enable", 1)
    filters.set("highpass/0/timeconstant", 3e-6)
    filters.set("bounces/0/delay", 20e-9)
    filters.set("bounces/0/amplitude", -0.1)
    filters.set("bounces/0/enable", 1)
    agree(filters)
    told_s = filters.server.getDouble(f"{AT}/latency")
    assert told_s == pytest.approx(filters.advisor.getDouble("latency/value"))
    model, used = HDAWGChannelModel(), PrecompensationConf(True, 2, True, True)
    samples = model.get_latency(1, used) - model.get_latency()
    assert told_s * RATE_HZ == pytest.approx(samples)


def test_bypassed_filters_take_no_time(filters):
    filters.server.setInt(f"{AT}/enable", 0)
    assert filters.server.getDouble(f"{AT}/latency") == 0
    assert precompensation_of(filters.setting, OUTPUT, RATE_HZ) is None
