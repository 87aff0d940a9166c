"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Marxer et al., arXiv:2508.16437, two transmons coupled via a tunable coupler. Its abstract
was read: CZ, single-qubit gates and readout above 99.9 %. Its tables were not: every number here is
marked as assumed, in the range of this class of device, and its gates are not so good.
"""

from podium.sim_instruments.physics.chips import krinner2022
from podium.sim_instruments.physics.spread import Spread

SOURCE = "Marxer et al., arXiv:2508.16437 (2025)"

HIDDEN: dict[str, Spread] = {
    **krinner2022.HIDDEN,
    # ASSUMED: colder than an older device, and better shielded.
    "thermal_population": Spread(0.006, 0.002, "1", low=0.002, high=0.015),
    # ASSUMED: a dephasing that leaves 99.9 %.
    "flux_noise": Spread(3e-6, 0.5e-6, "Phi0", low=1e-6),
}
"""By quantity; lines are as of :mod:`.krinner2022`."""
