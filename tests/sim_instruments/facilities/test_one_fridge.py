"""Instruments of one fridge, each on its own wire, show one and the same fridge."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from podium.drivers.bluefors_control import BlueforsControl
from podium.drivers.cryomech_cpa import CryomechCpa
from podium.drivers.errors import Refused
from podium.drivers.pfeiffer_tc400 import PfeifferTc400
from podium.drivers.pfeiffer_tpg366 import PfeifferTpg366
from podium.sim_instruments.testing import twin_facility
from podium.sim_instruments.testing.facility import TwinFacility

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
CHANNELS = {1: "50K", 2: "4K", 5: "still", 6: "mixing_chamber"}
LOW_PA, HIGH_PA = 5e-7, 1e5
"""Range of a PKR gauge."""
ANSWER_S = 10.0
NOISE = 5e-3
"""Five standard deviations of a reading of the 372; the seed is fixed, and so is its noise."""
LOW_EXCITATION = "INTYPE 6,0,1,1,1,0,1"
"""20 uV: a sensor at 7 mK is not warmed by more than the noise."""
REGULATE = "SCAN 6,0;OUTMODE 0,5,6;PID 0,2,60,0;SETP 0,0.05;RANGE 0,6"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A 372, spoken to as a terminal does."""

    connection: socket.socket

    def tell(self, message: str) -> None:
        assert self.ask(f"{message};*ESR?") == "000"

    def ask(self, message: str) -> str:
        self.connection.sendall(message.encode() + b"\n")
        said = b""
        while not said.endswith(b"\n"):
            part = self.connection.recv(4096)
            assert part, "it has hung up"
            said += part
        return said.decode().strip()

    def kelvin(self, channel: int) -> float:
        return float(self.ask(f"KRDG? {channel}"))


@dataclass(frozen=True, slots=True)
class Fridge:
    facility: TwinFacility
    bridge: Bridge
    software: BlueforsControl
    compressor: CryomechCpa
    gauges: PfeifferTpg366
    turbo: PfeifferTc400


@contextmanager
def served() -> Iterator[Fridge]:
    with ExitStack() as held:
        facility = held.enter_context(twin_facility(COLD, clock="manual", seed=3))
        box = facility["thermometry_a"]
        wire = held.enter_context(socket.create_connection((box.host, box.port), ANSWER_S))
        software, compressor, gauges, turbo = (
            facility[name] for name in ("control_a", "compressor_a", "gauges_a", "turbo_a")
        )
        bridge = Bridge(wire)
        bridge.ask("*ESR?")  # power-on
        yield Fridge(
            facility,
            bridge,
            held.enter_context(
                closing(BlueforsControl("software", software.host, software.ports, CHANNELS))
            ),
            held.enter_context(closing(CryomechCpa("cpa", compressor.host, compressor.ports))),
            held.enter_context(closing(PfeifferTpg366("gauges", gauges.host, gauges.ports))),
            held.enter_context(closing(PfeifferTc400("turbo", turbo.host, turbo.ports))),
        )


@pytest.fixture(scope="module")
def fridge() -> Iterator[Fridge]:
    with served() as fridge:
        yield fridge


@pytest.fixture
def own_fridge() -> Iterator[Fridge]:
    """Serve a fridge for one test, which needs it as it begins or leaves it warm."""
    with served() as fridge:
        yield fridge


def test_cold_and_circulating_all_agree(own_fridge: Fridge) -> None:
    fridge = own_fridge
    fridge.bridge.tell(LOW_EXCITATION)
    fridge.facility.advance("10 min")
    shown = fridge.software.readings()
    for channel, stage in CHANNELS.items():
        assert fridge.bridge.kelvin(channel) == pytest.approx(shown[stage][0], rel=NOISE), stage
    assert 5e-3 < shown["mixing_chamber"][0] < 0.015
    for gauge in ("p2", "p3", "p4", "p5"):
        pascal, _ = shown[gauge]
        assert fridge.gauges.pressure_pa(gauge) == pytest.approx(pascal, rel=1e-3), gauge
    with pytest.raises(Refused, match="under range"):  # the cold can pumps itself
        fridge.gauges.pressure_pa("p1")
    assert shown["p1"][0] < LOW_PA
    with pytest.raises(Refused, match="over range"):  # the vent stands open to the room
        fridge.gauges.pressure_pa("p6")
    assert shown["p6"][0] > HIGH_PA
    assert fridge.compressor.compressor().state == "running"
    assert fridge.software.is_on("pulsetube")
    assert fridge.software.is_on("turbo1")
    assert 780 < fridge.turbo.readings()["speed"][0] <= 820


def test_a_loop_of_the_bridge_is_seen_by_the_software(fridge: Fridge) -> None:
    fridge.bridge.tell(REGULATE)
    fridge.facility.advance("5 min")
    assert fridge.software.temperature_k("mixing_chamber") == pytest.approx(0.05, rel=NOISE)
    assert fridge.bridge.kelvin(6) == pytest.approx(0.05, rel=NOISE)
    fridge.bridge.tell("RANGE 0,0;SCAN 1,1")


def test_a_valve_of_the_software_is_seen_by_the_gauges(fridge: Fridge) -> None:
    fridge.software.switch("v16", True)
    fridge.software.switch("scroll2", True)
    fridge.facility.advance("1 min")
    shown_pa, _ = fridge.software.readings()["p6"]
    assert shown_pa < HIGH_PA / 2
    assert fridge.gauges.pressure_pa("p6") == pytest.approx(shown_pa, rel=1e-2)
    fridge.software.switch("v16", False)
    fridge.software.switch("scroll2", False)


def test_a_turbo_that_is_stopped_stands_everywhere(fridge: Fridge) -> None:
    fridge.turbo.run(False)
    assert not fridge.software.is_on("turbo1")
    fridge.facility.advance("1 min")
    slow_hz, _ = fridge.turbo.readings()["speed"]
    assert slow_hz < 780
    fridge.software.switch("turbo1", True)
    fridge.facility.advance("1 min")
    assert fridge.turbo.readings()["speed"][0] > slow_hz
    fridge.turbo.run(False)  # by the drive again: it has followed the software
    assert not fridge.software.is_on("turbo1")
    fridge.turbo.run(True)
    fridge.facility.advance("15 min")
    assert fridge.turbo.readings()["speed"][0] > 780


def test_a_trip_of_the_compressor_is_seen_by_all(own_fridge: Fridge) -> None:
    fridge = own_fridge
    fridge.facility.advance("10 min")
    cold_k = fridge.bridge.kelvin(2)
    fridge.facility.fault("compressor_trip", "fridge_a")
    fridge.facility.advance("10 min")
    status = fridge.compressor.compressor()
    assert not status.running
    assert status.errors
    assert not fridge.software.is_on("pulsetube")
    warm_k = fridge.software.temperature_k("4K")
    assert warm_k > 2 * cold_k
    fridge.facility.advance("1 min")  # round of the scanner
    shown = fridge.software.temperature_k("4K")
    assert warm_k <= fridge.bridge.kelvin(2) * (1 + NOISE)
    assert fridge.bridge.kelvin(2) <= shown * (1 + NOISE)
    assert not fridge.facility.unknown
