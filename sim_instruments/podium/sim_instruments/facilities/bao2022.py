"""Two fluxoniums with a resonator each, as a lab would plan them.

Their circuit energies are published (table of the paper); all else is assumed.
"""

from podium.sim_instruments.facilities.chip_design import ChipDesign, Estimate, QubitPlan
from podium.sim_instruments.physics.chips import bao2022

READOUT_GHZ = (7.05, 7.2)  # ASSUMED


def _qubit(readout_ghz: float) -> QubitPlan:
    return QubitPlan(
        "fluxonium",
        1.3,
        {
            "charging_energy": Estimate("1.572 GHz", "10 MHz", assumed=False),
            "josephson_energy": Estimate("2.086 GHz", "20 MHz", assumed=False),
            "inductive_energy": Estimate("0.537 GHz", "5 MHz", assumed=False),
            "readout_frequency": Estimate(f"{readout_ghz} GHz", "8 MHz"),
            "kappa": Estimate("1.6 MHz", "0.12 MHz"),
            "chi": Estimate("1.0 MHz", "0.06 MHz"),
            "t1": Estimate("60 us", "8 us"),
            "t2_echo": Estimate("45 us", "7 us"),
            "t2_ramsey": Estimate("20 us", "4 us"),
            "rabi_frequency": Estimate("20 MHz", "2 MHz"),
            "flux_period": Estimate("1.5 V", "0.03 V"),
            "flux_offset": Estimate("0.35 V", "0.05 V"),
        },
    )


DESIGN = ChipDesign(
    name="bao2022",
    source=bao2022.SOURCE,
    told="fluxoniums of published energies; everything else is assumed, they are not coupled",
    kind="digital",
    qubits=tuple(map(_qubit, READOUT_GHZ)),
    readout_lo_ghz=7.12,
)
