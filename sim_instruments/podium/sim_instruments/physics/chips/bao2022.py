"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Bao et al., Phys. Rev. Lett. 129, 010502 (2022), arXiv:2111.13504, two capacitively coupled
fluxoniums with a resonator each. Their circuit energies are published; coupling between the two is
not modelled. Every number here is marked as assumed, in the range of this class of device.
"""

from podium.sim_instruments.physics.chips import krinner2022
from podium.sim_instruments.physics.spread import Spread

SOURCE = "Bao et al., Phys. Rev. Lett. 129, 010502 (2022), arXiv:2111.13504"

HIDDEN: dict[str, Spread] = {
    **krinner2022.HIDDEN,
    # ASSUMED: an effective temperature of 25 mK or so, at 1.3 GHz. No reset is modelled.
    "thermal_population": Spread(0.075, 0.01, "1", low=0.03, high=0.15),
    # ASSUMED: f01 depends on flux to second order only at the sweet spot, and steeply beside it.
    "flux_noise": Spread(4e-6, 1e-6, "Phi0", low=1e-6),
}
"""By quantity; lines are as of :mod:`.krinner2022`."""
