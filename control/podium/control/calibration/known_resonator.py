"""Collects what is known of a qubit's readout resonator before its readout is optimised."""

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.dispersive import critical_photons, expected_pull
from podium.control.calibration.fits.driven_resonator import (
    SCALE_HZ,
    DrivenResonator,
    KnownResonator,
)
from podium.control.calibration.shelving import is_shelved
from podium.control.facility.facility import Qubit

CRITICAL_DOUBT, LEAST_CRITICAL_DOUBT = 0.7, 0.1
"""Of the logarithm of the critical amplitude: of the design, whose lines may be 6 dB off, and of
one that punch-out has measured, in five rows. ASSUMED."""
DESIGN_DOUBT, PULL_DOUBT = 0.3, 0.5
"""Share by which a design's chi and width, and its pull, may be off, one sigma. ASSUMED."""
LEAST_DOUBT = 0.02
"""Share of the width by which lines and width are known, at best. ASSUMED: neighbours."""


def known_resonator(bench: Bench, qubit: Qubit) -> KnownResonator:
    """Return the resonator as measured so far, or as the design has it.

    In 0, and in the level that is read as 1: 2 where that is shelved there.
    """

    def sigma(quantity: str, design: float) -> float:
        """Return that of a measurement, or else ``design``."""
        entry = bench.record.get(f"{qubit.name}.{quantity}")
        return design if entry is None else entry.sigma

    chi, kappa = bench.best(qubit, "chi"), bench.best(qubit, "kappa")
    apart, of_apart = 2 * chi, 2 * sigma("chi", DESIGN_DOUBT * abs(chi))
    if is_shelved(bench, qubit):
        shelved = bench.known(qubit, "shelved_shift")
        apart, of_apart = shelved.value, shelved.sigma
    ground = bench.readout_middle(qubit) - chi
    critical = bench.measured(qubit, "critical_amplitude")
    of_critical = CRITICAL_DOUBT
    if critical is None:
        critical = bench.probe_amplitude(qubit, critical_photons(bench, qubit))
    else:
        of_critical = max(sigma("critical_amplitude", 0.0) / critical, LEAST_CRITICAL_DOUBT)
    bare = bench.measured(qubit, "bare_readout_frequency")
    of_bare = sigma("bare_readout_frequency", 0.0)
    if bare is None:
        pull = expected_pull(bench, qubit)
        bare, of_bare = ground - pull, PULL_DOUBT * abs(pull)
    sigmas = (
        of_critical,
        max(sigma("kappa", DESIGN_DOUBT * kappa) / kappa, LEAST_DOUBT),
        max(of_bare, LEAST_DOUBT * kappa) / SCALE_HZ,
        max(sigma("ground_readout_frequency", kappa), LEAST_DOUBT * kappa) / SCALE_HZ,
        of_apart / SCALE_HZ,
    )
    resonator = DrivenResonator(critical, kappa, bare, ground, ground + apart)
    return KnownResonator(resonator, np.diag(np.square(sigmas)))
