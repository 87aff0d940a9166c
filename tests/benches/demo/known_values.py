"""Values that a start of several nodes needs to know."""

KNOWN = {
    "f01": (6.0e9, "Hz"),
    "anharmonicity": (-175e6, "Hz"),
    "t1": (30e-6, "s"),
    "chi": (-1.2e6, "Hz"),
    "kappa": (4.0e6, "Hz"),
    "readout_frequency": (7.2e9, "Hz"),
    "probe_frequency": (7.2e9, "Hz"),
    "pi_amplitude": (0.45, "1"),
    "ground_i": (0.0, "V"),
    "ground_q": (0.0, "V"),
    "excited_i": (1.0, "V"),
    "excited_q": (0.0, "V"),
    "ground_variance": (0.01, "V²"),
    "excited_variance": (0.01, "V²"),
}
