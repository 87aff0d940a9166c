"""One window of a link in which sideband drives play, as plain numbers and arrays.

Times are integer femtoseconds of the world, from an origin that both ends share. Frequencies and
widths are divided by 2 pi (Hz), rates of atoms are not (1/s).
"""

import hashlib
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """A three-level atom at one end; its frame turns with its own levels."""

    rates_1_s: NDArray[np.float64]
    """Shape (3, 3), [to, from]: incoherent jumps, 1/s; the diagonal counts for nothing."""
    dephasing_1_s: NDArray[np.float64]
    """Shape (3, 3), symmetric: what each coherence loses besides what the jumps take, 1/s; see
    :mod:`.dephasing`."""
    stark_hz_per_hz2: float = 0.0
    """How far f moves for a sideband of g / 2 pi = 1 Hz; grows with the square."""


@dataclass(frozen=True, slots=True)
class TransferResonator:
    """A resonator through which an atom and the link exchange photons."""

    kappa_hz: float
    detuning_hz: float = 0.0
    """Its frequency less the photon's reference frequency, the same for both ends."""
    thermal_photons: float = 0.0
    """Mean thermal photons of what comes in from its surroundings: through the whole port at the
    first end, with the noise of the way's loss at the second."""


@dataclass(frozen=True, slots=True, eq=False)
class Sideband:
    """A drive of f0-g1, ``g |f,0><g,1| + h.c.``, held over each sample."""

    samples_hz: NDArray[np.complex128]
    """Shape (S,): g / 2 pi, Hz; zero before the first and after the last."""
    first_fs: int
    """When the first sample begins, clock error included."""
    sample_fs: int
    detuning_hz: float = 0.0
    """Carrier less the f0-g1 resonance, for a resonator at the reference frequency. g turns by
    ``exp(-2j pi detuning t)``, t from the origin of times."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowEnd:
    """One end of a link during a window."""

    atom: Atom
    resonator: TransferResonator
    sideband: Sideband
    start_fs: int
    """From when the atom decays and is driven; before it does not change."""
    stop_fs: int
    """Until when."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way from the first end to the second, in amplitudes."""

    forward: complex
    """Amplitude that arrives: ``sqrt(transmission) * exp(1j * phase)``."""
    delay_fs: int
    """Time of flight."""
    backward: complex = 0j
    """Amplitude that comes from the second end to the first, round a circulator the wrong way; in
    the retarded frame at once (see the explanation page for how far that holds)."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkWindow:
    """Drives of both ends in one window; photons go from ``ends[0]`` to ``ends[1]``.

    Raises ValueError for shapes, signs and amplitudes that no link has.
    """

    ends: tuple[WindowEnd, WindowEnd]
    way: Way
    inputs: tuple[tuple[int, int], ...] = tuple((k, 0) for k in range(LEVELS))
    """Levels (first atom, second atom) that may be there when the window begins."""
    photons: int | None = None
    """Fock levels of each resonator; None: as many as the inputs need, and three where there are
    thermal photons."""
    bound: float = 1e-6
    """Pairs of states reached with less probability are left out; elements of the channel are good
    to a few times this."""
    unseen: NDArray[np.complex128] | None = None
    """Shape (2, 2), Hermitian: of what leaves both resonators, what detectors that do not click
    would have seen. The channel is then that without these clicks, its trace their chance, and the
    window lasts until both resonators have rung down."""

    def __post_init__(self) -> None:
        for end in self.ends:
            shapes = end.atom.rates_1_s.shape, end.atom.dephasing_1_s.shape
            if shapes != ((LEVELS, LEVELS),) * 2:
                raise ValueError(f"rates and dephasing of shapes {shapes}, not 3 x 3")
            if end.stop_fs < end.start_fs:
                raise ValueError(f"a window from {end.start_fs} fs to {end.stop_fs} fs")
            if end.sideband.sample_fs <= 0 or end.sideband.samples_hz.ndim != 1:
                raise ValueError("samples stand in one row and last more than 0 fs")
            if end.resonator.kappa_hz <= 0 or end.resonator.thermal_photons < 0:
                raise ValueError(f"a resonator with {end.resonator}")
        loop = abs(self.way.forward) * abs(self.way.backward)
        if abs(self.way.forward) > 1 or abs(self.way.backward) > 1 or loop > 0.9:
            raise ValueError(f"a way with amplitudes {self.way}: it would amplify")
        if self.unseen is not None and self.unseen.shape != (2, 2):
            raise ValueError(f"what detectors see of two resonators is 2 x 2: {self.unseen.shape}")
        if not self.inputs or len(set(self.inputs)) != len(self.inputs):
            raise ValueError(f"inputs {self.inputs}: some, and each once")

    def digest(self) -> bytes:
        """Return 32 bytes that two windows share where all their contents are equal."""
        found = hashlib.sha256()
        _add(found, self)
        return found.digest()


def _add(into: "hashlib._Hash", value: object) -> None:
    """Add a value's content: arrays by their bytes, dataclasses field by field."""
    if isinstance(value, np.ndarray):
        into.update(f"{value.dtype}{value.shape}".encode())
        into.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            _add(into, getattr(value, one.name))
    elif isinstance(value, tuple):
        into.update(f"({len(value)}".encode())
        for one in value:
            _add(into, one)
    else:
        into.update(f"{value!r};".encode())
