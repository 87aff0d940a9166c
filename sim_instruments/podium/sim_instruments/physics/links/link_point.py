"""A quantum link as plain numbers: two transfer resonators, what drives them, and the way between.

Frequencies and widths are divided by 2 pi (Hz), as in :mod:`..operating_point`. The levels of the
qubits are not here: they come from the operating points of the two chips. A link's f0-g1 sideband
is resonant at ``f_ge + f_ef - transfer_hz`` plus the Stark shift of its own drive.
"""

from dataclasses import dataclass

from podium.sim_instruments.physics.links.herald_station import HeraldStation


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a link: a qubit, the line of its f0-g1 drive, and its transfer resonator."""

    qubit: str
    """``node_a.q0``."""
    sideband: str
    """The line that drives f0-g1: ``node_a.q0.sideband``."""
    transfer_hz: float
    """Frequency of the transfer resonator, Hz."""
    kappa_hz: float
    """Its total energy decay rate into the link over 2 pi, Hz."""
    sideband_hz_per_root_watt: float
    """g / 2 pi of f0-g1 for a drive of 1 sqrt(W), Hz: ``g |f,0><g,1| + h.c.``. The drive is a
    complex signal, and g takes its phase. As of a drive line, power is that of the signals of
    :class:`..signals.PulseTrain`, where the line begins: attenuation is in this number."""
    stark_hz_per_watt: float
    """How far the f0-g1 resonance moves with the drive's power where the line begins, Hz/W."""
    thermal_photons: float = 0.0
    """Mean thermal photons of what surrounds the transfer resonator."""


@dataclass(frozen=True, slots=True)
class Link:
    """A way for photons between two ends, both directions."""

    name: str
    """``link_ab``."""
    ends: tuple[LinkEnd, LinkEnd]
    transmission: tuple[float, float]
    """Power that arrives, from the first end to the second and from the second to the first. With
    a circulator the second is already what it lets go the wrong way (times the first)."""
    delay_fs: int
    """Time of flight from one transfer resonator to the other, fs."""
    isolation: float
    """Power that goes round a circulator the wrong way; 0: none does."""
    phase_turns: float
    """Phase of the way at the carrier, in turns."""
    station: HeraldStation | None = None
    """Where photons of both ends meet in place of going from one to the other; then nothing is
    transmitted, and ``delay_fs`` is by how much longer the first end's way to it is."""

    @property
    def both_ways(self) -> bool:
        """Tell whether photons go either way alike: there is no circulator."""
        return self.isolation == 0 and self.transmission[0] == self.transmission[1]
