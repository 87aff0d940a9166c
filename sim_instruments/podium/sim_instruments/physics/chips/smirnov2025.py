"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Smirnov et al., arXiv:2509.04965, transmons with tunable couplers, gates by bipolar flux
pulses. Its abstract was read: CZ at 99.5 %, a chip of four qubits. Its tables were not: every
number here is marked as assumed, in the range of this class of device.
"""

from podium.sim_instruments.physics.chips import krinner2022
from podium.sim_instruments.physics.spread import Spread

SOURCE = "Smirnov et al., arXiv:2509.04965 (2025)"

HIDDEN: dict[str, Spread] = {
    **krinner2022.HIDDEN,
    # ASSUMED: as of krinner2022, somewhat warmer at 4.5 GHz.
    "thermal_population": Spread(0.015, 0.004, "1", low=0.003, high=0.04),
}
"""By quantity; lines are as of :mod:`.krinner2022`."""
