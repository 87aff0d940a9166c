"""The twin of a network analyzer asks through this for what hangs at its ports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from podium.sim_instruments.execution.playback import Ticket


@dataclass(frozen=True, slots=True, eq=False)
class PortTone:
    """A tone stepped over frequencies, or powers, at one port."""

    port: str
    """Connector that it leaves by, ``port1``."""
    frequency_hz: "NDArray[np.float64]"
    """Shape (n,)."""
    power_w: "NDArray[np.float64]"
    """Shape (n,): at the connector."""
    start_fs: int
    """World time of the first point."""
    duration_fs: int
    """Of all points together."""


@dataclass(frozen=True, slots=True, eq=False)
class PortResponse:
    """A port receives this of a tone at another, or at the same."""

    ratio: "NDArray[np.complex128]"
    """Shape (n,): of the wave that comes in to that which went out, without noise."""
    noise_w_per_hz: float
    """Density of the noise that arrives there, W/Hz, beside that of the instrument's own."""


class NetworkPorts(Protocol):
    """Everything outside a network analyzer."""

    def respond(self, tone: PortTone, receivers: tuple[str, ...]) -> "Ticket[list[PortResponse]]":
        """Find what comes back to each receiver's port, in a worker thread; returns at once."""
        ...


class OpenPorts:
    """Nothing is wired to any port: each reflects all that leaves it."""

    def respond(self, tone: PortTone, receivers: tuple[str, ...]) -> "Ticket[list[PortResponse]]":
        """Return what open ports give back."""
        return AtOnce([open_response(tone, port) for port in receivers])


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Work that is done."""

    outcome: list[PortResponse]

    def done(self) -> bool:
        """Return True."""
        return True

    def result(self) -> list[PortResponse]:
        """Return what came out."""
        return self.outcome


def open_response(tone: PortTone, receiver: str) -> PortResponse:
    """Return the response where no cable is: 1 at the port itself, 0 at others."""
    import numpy as np

    ratio = np.full(tone.frequency_hz.size, complex(tone.port == receiver))
    return PortResponse(ratio, 0.0)
