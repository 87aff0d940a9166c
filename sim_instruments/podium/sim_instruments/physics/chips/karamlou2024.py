"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Karamlou et al., Nature 629, 561 (2024), arXiv:2306.02571, a lattice of 16 flux-tunable
transmons with fixed capacitive couplings between neighbours, each with a resonator, on shared
feedlines with parametric amplifiers. Its tables of single qubits were not read: every number here
is marked as assumed, in the range of this class of device.
"""

from podium.sim_instruments.physics.chips import krinner2022
from podium.sim_instruments.physics.spread import Spread

SOURCE = "Karamlou et al., Nature 629, 561 (2024), arXiv:2306.02571"

HIDDEN: dict[str, Spread] = {
    **krinner2022.HIDDEN,
    # ASSUMED: effective temperature of 55 mK or so at 4.5-5 GHz.
    "thermal_population": Spread(0.015, 0.004, "1", low=0.003, high=0.04),
}
"""By quantity; lines are as of :mod:`.krinner2022`."""
