"""Draw one qubit: what a lab would quote of it, then the circuit that has exactly that."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import more_rates, rates_of
from podium.sim_instruments.physics.circuit_inversion import (
    Circuit,
    NoSuchCircuit,
    circuit_of,
    fluxonium_circuit,
)
from podium.sim_instruments.physics.defect_world import draw_defects
from podium.sim_instruments.physics.design import OF_TRANSMONS, QubitDesign
from podium.sim_instruments.physics.draw import draw
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.relaxation import (
    FluxoniumLoss,
    boltzmann_factor,
    jump_dephasing_1_s,
    slow_sigma_of,
    temperature_of,
)
from podium.sim_instruments.physics.resonator import Dressed
from podium.sim_instruments.physics.spread import Spread
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.world_file import (
    AnyQubitWorld,
    FluxoniumWorld,
    TransmonWorld,
)
from podium.sim_instruments.physics.world_quantities import Known

ECHO_OVER_T1 = 1.8
RAMSEY_OVER_ECHO = 0.92
"""A drawn echo time stays below this much of T1 (2 is the limit), a Ramsey time below this
much of the echo time: the rest is white dephasing and slow noise, which every device has."""
LEAST_PART = 0.1
"""Of a loss as it is written, one that is drawn is so much at least."""
ATTEMPTS = 1000
"""Coherence times are drawn again until they fit together, at most so many times."""
SPECTRUM = {
    "transmon": ("f01", "anharmonicity", "readout_frequency", "chi"),
    "fluxonium": (
        *("charging_energy", "josephson_energy", "inductive_energy"),
        *("readout_frequency", "chi"),
    ),
}
"""By kind: what the circuit is found from."""


class SamplingError(ValueError):
    """No world fits the design: the message says which numbers do not go together."""


def drawn_values(qubit: QubitDesign, element: str, seed: int) -> dict[str, float]:
    """Draw what a lab would quote of this qubit, in SI units."""
    together = ("t1", "t2_echo", "t2_ramsey")
    values = {
        quantity: draw(_above_zero(quantity, spread), seed, element, quantity)
        for quantity, spread in qubit.values.items()
        if quantity not in together
    }
    for attempt in range(ATTEMPTS):
        t1, echo, ramsey = (
            draw(qubit.values[quantity], seed, element, quantity, attempt) for quantity in together
        )
        if together_fit(t1, echo, ramsey):
            return {**values, "t1": t1, "t2_echo": echo, "t2_ramsey": ramsey}
    raise SamplingError(
        f"{element}: t1, t2_echo and t2_ramsey of the design do not go together: "
        f"t2_echo < {ECHO_OVER_T1} t1 and t2_ramsey < {RAMSEY_OVER_ECHO} t2_echo are needed"
    )


def _above_zero(quantity: str, spread: Spread) -> Spread:
    """Return what a quantity is drawn from: a lifetime is never drawn as none."""
    if quantity not in OF_TRANSMONS:
        return spread
    return replace(spread, low=LEAST_PART * spread.value)


def together_fit(t1: float, echo: float, ramsey: float) -> bool:
    """Tell whether a qubit may have these coherence times, s."""
    return 0 < ramsey < RAMSEY_OVER_ECHO * echo and echo < ECHO_OVER_T1 * t1


def qubit_world(
    qubit: QubitDesign,
    element: str,
    drawn: Mapping[str, float],
    hidden: Mapping[str, Spread],
    flux_per_volt: Mapping[str, float],
    flux_at_zero: float,
    seed: int,
) -> AnyQubitWorld:
    """Return the world of a qubit whose quoted values are ``drawn``."""
    try:
        found = circuit(qubit.kind, drawn)
    except NoSuchCircuit as error:
        raise SamplingError(f"{element}: {error}") from error
    dressed = found.at(0.0)
    population = draw(hidden["thermal_population"], seed, element, "thermal_population")
    temperature_k = temperature_of(dressed.f01_hz, population)
    lost = _lost(qubit, element, seed)
    more_loss = FluxoniumLoss(**lost)
    quality = _quality(found.atom, dressed, drawn["t1"], temperature_k, more_loss, element)
    upper = _upper_quality(dressed, drawn.get("t1_ef"))
    rates = rates_of(found.atom, dressed, (quality, upper), temperature_k, more_loss)
    white, slow_hz = _dephasing(rates, drawn)
    internal_hz = min(
        draw(hidden["kappa_internal"], seed, element, "kappa_internal"), 0.5 * drawn["kappa"]
    )

    solved = partial(_solved, qubit)

    def library(quantity: str) -> Known:
        spread = hidden[quantity]
        return _assumed(draw(spread, seed, element, quantity), spread.unit)

    spectrum = SPECTRUM[qubit.kind]
    line = ("f01",) if qubit.kind == "transmon" else spectrum[:3]
    common: dict[str, Any] = {
        "charging_energy": solved(found.atom.charging_hz, "Hz", *spectrum),
        "josephson_energy": solved(found.atom.josephson_hz, "Hz", *spectrum),
        "coupling": solved(found.coupling_hz, "Hz", *spectrum),
        "bare_resonator": solved(found.resonator_hz, "Hz", *spectrum),
        "kappa_coupling": solved(drawn["kappa"] - internal_hz, "Hz", "kappa"),
        "kappa_internal": _assumed(internal_hz, "Hz"),
        "quality_factor": solved(quality, "1", *line, "t1"),
        "bath_temperature": _assumed(temperature_k, "K"),
        "white_dephasing": solved(white, "1/s", "t1", "t2_echo"),
        "frequency_noise": solved(slow_hz, "Hz", "t2_echo", "t2_ramsey"),
        "flux_noise": library("flux_noise"),
        "slow_memory": library("slow_memory"),
        "drive": solved(_drive(qubit, drawn, dressed), "Hz/sqrt(W)", "rabi_frequency"),
        "drive_delay": library("drive_delay"),
        "flux_at_zero": (
            solved(flux_at_zero, "Phi0", "flux_offset")
            if qubit.has_flux_line
            else _assumed(flux_at_zero, "Phi0")
        ),
        "flux_per_volt": _flux_shares(qubit, flux_per_volt),
    }
    if isinstance(found.atom, Fluxonium):
        energy = solved(found.atom.inductive_hz, "Hz", "inductive_energy")
        common |= {key: _from_losses(value) for key, value in lost.items()}
        return FluxoniumWorld(kind="fluxonium", inductive_energy=energy, **common)
    return TransmonWorld(
        asymmetry=solved(drawn["asymmetry"], "1", "asymmetry"),
        offset_charge=_assumed(found.atom.offset_charge, "1"),
        upper_quality_factor=None if upper is None else solved(upper, "1", *spectrum[:2], "t1_ef"),
        defects=draw_defects(qubit.defects, element, seed),
        **common,
    )


def _solved(qubit: QubitDesign, value: float, unit: str, *quantities: str) -> Known:
    """Return a number that follows from drawn ones, with their sources."""
    sources = [qubit.origin[quantity] for quantity in quantities]
    known = [source for source in sources if source is not None]
    if len(known) < len(sources):
        return _assumed(value, unit)
    return Known(value=value, unit=unit, source="drawn: " + "; ".join(dict.fromkeys(known)))


def _drive(qubit: QubitDesign, drawn: Mapping[str, float], dressed: Dressed) -> float:
    """Return how strongly a drive line couples, Hz/sqrt(W); 0 where there is none."""
    if qubit.drive_full_scale is None:
        return 0.0
    return drawn["rabi_frequency"] / (qubit.drive_full_scale * float(dressed.charge[0]))


def _flux_shares(qubit: QubitDesign, flux_per_volt: Mapping[str, float]) -> dict[str, Known]:
    """Return the flux by each source; its own is as designed, crosstalk is assumed."""
    return {
        other: (
            _solved(qubit, value, "Phi0/V", "flux_period")
            if other == qubit.name
            else _assumed(value, "Phi0/V")
        )
        for other, value in flux_per_volt.items()
    }


def _lost(qubit: QubitDesign, element: str, seed: int) -> dict[str, float]:
    """Draw what a fluxonium loses by beside its capacitance."""
    return {
        key: draw(replace(spread, low=LEAST_PART * spread.value), seed, element, key)
        for key, spread in qubit.losses.items()
    }


def _from_losses(value: float) -> Known:
    return Known(value=value, unit="1", source="drawn: the facility file's losses")


def _assumed(value: float, unit: str) -> Known:
    return Known(value=value, unit=unit, assumed=True)


def circuit(kind: str, drawn: Mapping[str, float]) -> Circuit:
    """Find the circuit with the spectrum that was drawn; raises :class:`.NoSuchCircuit`."""
    if kind == "fluxonium":
        energies = (drawn[f"{name}_energy"] for name in ("charging", "josephson", "inductive"))
        return fluxonium_circuit(
            Fluxonium(*energies), readout_hz=drawn["readout_frequency"], chi_hz=drawn["chi"]
        )
    return circuit_of(
        f01_hz=drawn["f01"],
        anharmonicity_hz=drawn["anharmonicity"],
        readout_hz=drawn["readout_frequency"],
        chi_hz=drawn["chi"],
        asymmetry=drawn["asymmetry"],
    )


def _quality(
    atom: Transmon | Fluxonium,
    dressed: Dressed,
    t1_s: float,
    temperature_k: float,
    more_loss: FluxoniumLoss,
    element: str,
) -> float:
    """Return the quality that makes both jumps between 0 and 1 together take ``t1_s``."""
    if isinstance(atom, Fluxonium):
        rates = rates_of(atom, dressed, (1.0, None), temperature_k)
        more = more_rates(atom, dressed, more_loss, temperature_k, 0.0)
        lost = float(more[0, 1] + more[1, 0])
        left = 1 - lost * t1_s
        if left <= 0:
            longest_us = 1e6 / lost
            raise SamplingError(
                f"{element}: a T1 of {1e6 * t1_s:.4g} us is longer than inductance and "
                f"quasiparticles leave, {longest_us:.4g} us: write lower losses or a shorter t1"
            )
        return float(rates[0, 1] + rates[1, 0]) * t1_s / left
    quality = 2 * math.pi * dressed.f01_hz * t1_s
    return quality * (1 + boltzmann_factor(dressed.f01_hz, temperature_k))


def _upper_quality(dressed: Dressed, t1_ef_s: float | None) -> float | None:
    """Return the quality of transitions above 0-1 with which 2 falls to 1 in ``t1_ef_s``."""
    if t1_ef_s is None:
        return None
    step_hz = float(dressed.levels_hz[2] - dressed.levels_hz[1])
    return 2 * math.pi * step_hz * t1_ef_s * float(dressed.charge[1] / dressed.charge[0]) ** 2


def _dephasing(rates: NDArray[np.float64], drawn: Mapping[str, float]) -> tuple[float, float]:
    """White dephasing (1/s) and slow frequency noise (Hz) that leave the drawn T2 times."""
    white = max(0.0, 1 / drawn["t2_echo"] - jump_dephasing_1_s(rates))
    total = white + jump_dephasing_1_s(rates)
    return white, slow_sigma_of(total, min(drawn["t2_ramsey"], 1 / total))
