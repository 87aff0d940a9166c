"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Ding et al., Phys. Rev. X 13, 031035 (2023), arXiv:2304.06087, two fluxoniums and a
flux-tunable transmon between them (FTF). Its abstract was read: CZ of 99.85 to 99.9 %, ZZ down to
kHz. Its tables were not: every number here is marked as assumed, in the range of this class.
"""

from podium.sim_instruments.physics.chips import bao2022
from podium.sim_instruments.physics.spread import Spread

SOURCE = "Ding et al., Phys. Rev. X 13, 031035 (2023), arXiv:2304.06087"

HIDDEN: dict[str, Spread] = {
    **bao2022.HIDDEN,
    # ASSUMED: 25 mK at 0.2 to 0.3 GHz, where h f / k is 10 to 15 mK.
    "thermal_population": Spread(0.37, 0.02, "1", low=0.30, high=0.42),
    # ASSUMED: of a coupler of 6.1 GHz at the same 25 mK; 2e-4 where it rests.
    "coupler_population": Spread(1e-5, 3e-6, "1", low=3e-6),
    # ASSUMED: a line that is steep beside the sweet spot, and of no slope at it.
    "flux_noise": Spread(2e-6, 0.5e-6, "Phi0", low=1e-6),
}
"""By quantity; lines are as of :mod:`.krinner2022`."""
