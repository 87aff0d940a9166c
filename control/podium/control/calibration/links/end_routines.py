"""Lists the routines that bring the qubit at an end of a link as far as a photon needs."""

from podium.control.calibration.catalogue import BRING_UP

NOT_NEEDED = ("echo",)
END_ROUTINES = (
    *(one for one in BRING_UP[: BRING_UP.index("rabi_ef") + 1] if one not in NOT_NEEDED),
    "readout_optimisation",
    "single_shot",
)
"""All up to f, then the readout once more, with pulses that are tuned and shots that are heralded:
the first pass, whose shots wait, finds a setting that does for heralds, and is not sure of what
that loses. Left out is what tells of T1, the shift and f01 more finely."""
