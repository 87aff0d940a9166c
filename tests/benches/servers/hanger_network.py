"""A network that an analyzer's twin sees in tests: one hanger between port 1 and port 2."""

from dataclasses import dataclass, field

import numpy as np

from podium.sim_instruments.twins.network_ports import PortResponse, PortTone

HANGER_HZ, LOADED = 7.26e9, 2000.0


def hanger(frequency_hz: np.ndarray) -> np.ndarray:
    """Return S21 of a critically coupled hanger, 20 dB down."""
    return 0.1 * (1 - 1 / (1 + 2j * LOADED * (frequency_hz / HANGER_HZ - 1)))


@dataclass
class Work:
    """An answer that comes when it is let go."""

    outcome: list[PortResponse]
    network: "HangerNetwork"

    def done(self) -> bool:
        return not self.network.computing

    def result(self) -> list[PortResponse]:
        assert self.done()
        return self.outcome


@dataclass
class HangerNetwork:
    """Answers at once, or holds its answers while ``computing``."""

    noise_w_per_hz: float = 0.0
    computing: bool = False
    delay_s: float = 0.0
    tones: list[PortTone] = field(default_factory=list)

    def respond(self, tone: PortTone, receivers: tuple[str, ...]) -> Work:
        self.tones.append(tone)
        return Work([self._one(tone, receiver) for receiver in receivers], self)

    def _one(self, tone: PortTone, receiver: str) -> PortResponse:
        if (tone.port, receiver) == ("port1", "port2"):
            turns = np.exp(-2j * np.pi * tone.frequency_hz * self.delay_s)
            return PortResponse(hanger(tone.frequency_hz) * turns, self.noise_w_per_hz)
        return PortResponse(np.zeros(tone.frequency_hz.size, complex), self.noise_w_per_hz)
