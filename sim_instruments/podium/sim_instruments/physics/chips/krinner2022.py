"""The facility file of this device leaves these values out: no lab knows them beforehand.

Device: Krinner et al., Nature 605, 669 (2022), arXiv:2112.03708, 17 flux-tunable transmons,
read out over Purcell-filtered resonators on shared feedlines with parametric amplifiers.
The per-qubit table of its supplement could not be read; so every number here is marked as
assumed, in the range that this class of device shows. What could be read, second hand: the
error of two-state readout is 0.9 % on average, 0.4 to 2.3 % between qubits.
"""

from podium.sim_instruments.physics.spread import Spread

SOURCE = "Krinner et al., Nature 605, 669 (2022), arXiv:2112.03708"

READOUT_ERROR = (0.004, 0.023)
"""Range of the published two-state readout error; the worlds drawn aim there."""

HIDDEN: dict[str, Spread] = {
    # ASSUMED: effective temperature of 60 mK or so, as transmons at 5-6 GHz show.
    "thermal_population": Spread(0.010, 0.004, "1", low=0.002, high=0.03),
    # ASSUMED: internal quality factor near 1e5 at single photons.
    "kappa_internal": Spread(80e3, 20e3, "Hz", low=10e3),
    # ASSUMED: quasi-static part of 1/f noise of 2 micro flux quanta per root hertz at 1 Hz.
    "flux_noise": Spread(10e-6, 2e-6, "Phi0", low=2e-6),
    # ASSUMED: long against the pulses of a shot, so that an echo takes it out; hardly longer
    # than the shot, so that its mean over a routine stays within a fifth of f01's floor. The
    # slower part of 1/f noise, which is drift, is left out.
    "slow_memory": Spread(0.4e-3, 0.0, "s"),
    # ASSUMED: cables from the source to the chip.
    "drive_delay": Spread(45e-9, 3e-9, "s", low=1e-9),
    # ASSUMED: off-diagonal of the static flux matrix over its diagonal.
    "flux_crosstalk": Spread(0.0, 0.003, "1"),
    # ASSUMED: how far a line's true attenuation and gain lie from the file's.
    "attenuation_error": Spread(0.0, 0.7, "dB"),
    "gain_error": Spread(0.0, 1.0, "dB"),
    # ASSUMED: noise temperature over the file's.
    "noise_factor": Spread(1.0, 0.08, "1", low=0.5),
    # ASSUMED: share of the delay that lies after the chip.
    "return_share": Spread(0.5, 0.03, "1", low=0.1, high=0.9),
}
"""By quantity; those of a qubit are drawn for each qubit, those of a line for each line."""

STAGES: dict[str, Spread] = {
    "mixing_chamber": Spread(0.012, 0.002, "K", low=0.007),
    "cold_plate": Spread(0.09, 0.01, "K", low=0.03),
    "still": Spread(0.85, 0.05, "K", low=0.5),
    "second_stage": Spread(3.6, 0.2, "K", low=2.5),
    "first_stage": Spread(42.0, 2.0, "K", low=30.0),
}
"""ASSUMED: temperatures of a dilution refrigerator's stages, cold, by the names that a
thermometer's channels have in a facility file."""
