"""Draw tunable couplers, and what flux lines do to pulses."""

import math
from collections.abc import Mapping

from podium.sim_instruments.physics.design import PulsedLine
from podium.sim_instruments.physics.draw import draw
from podium.sim_instruments.physics.edge_design import CouplerDesign
from podium.sim_instruments.physics.flux_line_world import (
    CouplerWorld,
    ExponentialWorld,
    FluxLineWorld,
)
from podium.sim_instruments.physics.relaxation import boltzmann_factor, temperature_of
from podium.sim_instruments.physics.sampling_qubits import SamplingError
from podium.sim_instruments.physics.spread import Spread
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.world_quantities import Known

LINE_SPREADS = {
    # ASSUMED: cables of flux lines and of drives are cut alike to half a metre.
    "delay": Spread(0.0, 2e-9, "s"),
    # ASSUMED: sizes and times as of lines that were measured by cryoscope: M. A. Rol et al.,
    # Appl. Phys. Lett. 116, 054001 (2020), arXiv:1907.04818, and, to tens of microseconds,
    # arXiv:2503.04610: some per cent within 10 ns, one or two later.
    "amplitude1": Spread(-0.030, 0.010, "1"),
    "tau1": Spread(5e-9, 1e-9, "s", low=2e-9),
    "amplitude2": Spread(0.015, 0.007, "1"),
    "tau2": Spread(60e-9, 15e-9, "s", low=20e-9),
    "amplitude3": Spread(-0.012, 0.005, "1"),
    "tau3": Spread(1.2e-6, 0.3e-6, "s", low=0.3e-6),
    "amplitude4": Spread(0.006, 0.003, "1"),
    "tau4": Spread(30e-6, 6e-6, "s", low=10e-6, high=50e-6),
    # ASSUMED: of a bias tee whose capacitor is made large for pulses.
    "high_pass": Spread(400e-6, 60e-6, "s", low=150e-6),
    # ASSUMED: a return loss of 35 dB or better at both ends of a metre of cable.
    "reflection": Spread(0.0, 0.004, "1"),
    "reflection_delay": Spread(11e-9, 2e-9, "s", low=4e-9),
}
"""What the response of a flux line is drawn from."""
PULSED_CROSSTALK = Spread(0.0, 0.004, "1")
"""ASSUMED: of a pulse, over the flux in the line's own loop: return currents of pulses take other
ways through the ground plane than those of biases."""
EXPONENTIALS = 4
INVERSION_ROUNDS = 50


def coupler_drawn(design: CouplerDesign, element: str, seed: int) -> dict[str, float]:
    """Draw what a lab would quote of a coupler, in SI units."""
    return {
        quantity: draw(spread, seed, element, quantity)
        for quantity, spread in design.values.items()
    }


def coupler_world(
    design: CouplerDesign,
    element: str,
    drawn: Mapping[str, float],
    hidden: Mapping[str, Spread],
    flux: tuple[Mapping[str, float], float],
    seed: int,
) -> CouplerWorld:
    """Return the world of a coupler whose quoted values are ``drawn``.

    ``flux``: flux quanta per volt by source, and at 0 V. Raises SamplingError where no transmon
    has these frequencies.
    """
    atom = _atom(drawn, element)
    heat = hidden.get("coupler_population", hidden["thermal_population"])
    population = draw(heat, seed, element, "thermal_population")
    temperature_k = temperature_of(drawn["f01"], population)
    quality = 2 * math.pi * drawn["f01"] * drawn["t1"]
    quality *= 1 + boltzmann_factor(drawn["f01"], temperature_k)

    def solved(value: float, unit: str, *quantities: str) -> Known:
        sources = [design.origin[quantity] for quantity in quantities]
        known = [source for source in sources if source is not None]
        if len(known) < len(sources):
            return Known(value=value, unit=unit, assumed=True)
        return Known(value=value, unit=unit, source="drawn: " + "; ".join(dict.fromkeys(known)))

    def assumed(value: float, unit: str) -> Known:
        return Known(value=value, unit=unit, assumed=True)

    name = element.rpartition(".")[2]
    return CouplerWorld(
        charging_energy=solved(atom.charging_hz, "Hz", "f01", "anharmonicity"),
        josephson_energy=solved(atom.josephson_hz, "Hz", "f01", "anharmonicity"),
        asymmetry=solved(atom.asymmetry, "1", "asymmetry"),
        offset_charge=assumed(0.0, "1"),
        quality_factor=solved(quality, "1", "f01", "t1"),
        bath_temperature=assumed(temperature_k, "K"),
        white_dephasing=assumed(0.1 / drawn["t1"], "1/s"),
        flux_noise=assumed(draw(hidden["flux_noise"], seed, element, "flux_noise"), "Phi0"),
        slow_memory=assumed(draw(hidden["slow_memory"], seed, element, "slow_memory"), "s"),
        delay=assumed(draw(hidden["drive_delay"], seed, element, "drive_delay"), "s"),
        flux_at_zero=solved(flux[1], "Phi0", "flux_offset"),
        flux_per_volt={
            other: (
                solved(value, "Phi0/V", "flux_period")
                if other == name
                else assumed(value, "Phi0/V")
            )
            for other, value in flux[0].items()
        },
    )


def _atom(drawn: Mapping[str, float], element: str) -> Transmon:
    """Return the transmon with this f01 and anharmonicity at its sweet spot, to 1 kHz.

    Newton's steps with the leading orders in EC/EJ as slopes: Koch et al. 2007, eq. 2.11.
    """
    f01, anharmonicity = drawn["f01"], drawn["anharmonicity"]
    if not (0 < -anharmonicity < f01 / 2):
        raise SamplingError(f"{element}: no transmon has f01 {f01:g} Hz and {anharmonicity:g} Hz")
    charging = -anharmonicity
    josephson = (f01 + charging) ** 2 / (8 * charging)
    for _ in range(INVERSION_ROUNDS):
        energy = Transmon(charging, josephson, drawn["asymmetry"]).bare(0.0, 4).energy_hz
        missed = energy[2] - 2 * energy[1] - anharmonicity
        low = f01 - energy[1]
        if max(abs(missed), abs(low)) < 1e3:
            return Transmon(charging, josephson, drawn["asymmetry"])
        charging += missed
        josephson *= 1 + 2 * (low + missed) / f01 - missed / charging
    raise SamplingError(f"{element}: no transmon has f01 {f01:g} Hz and {anharmonicity:g} Hz")


def flux_line_world(
    element: str, line: PulsedLine, seed: int, flux_per_volt: float, others: tuple[str, ...]
) -> FluxLineWorld:
    """Draw the response of the line of an element; ``others``: what its pulses reach besides.

    ``flux_per_volt``: of its bias, in its own loop.
    """

    def drawn(quantity: str) -> Known:
        spread = LINE_SPREADS[quantity]
        value = draw(spread, seed, element, f"flux line {quantity}")
        return Known(value=value, unit=spread.unit, assumed=True)

    def crosstalk(other: str) -> Known:
        part = draw(PULSED_CROSSTALK, seed, element, f"pulsed flux of {other}")
        return Known(value=part * flux_per_volt, unit="Phi0/V", assumed=True)

    return FluxLineWorld(
        delay=drawn("delay"),
        exponentials=[
            ExponentialWorld(amplitude=drawn(f"amplitude{n}"), tau=drawn(f"tau{n}"))
            for n in range(1, EXPONENTIALS + 1)
        ],
        high_pass=drawn("high_pass") if line.bias_tee else None,
        reflection=drawn("reflection"),
        reflection_delay=drawn("reflection_delay"),
        pulsed_flux_per_volt={other: crosstalk(other) for other in others if other != line.element},
    )
