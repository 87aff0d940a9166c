"""Lists the routines that bring the qubit at an end of a link as far as a photon needs."""

from podium.control.calibration.catalogue import BRING_UP

NOT_NEEDED = ("echo",)
END_ROUTINES = tuple(
    one
    for one in (
        *BRING_UP[: BRING_UP.index("thermal_population") + 1],
        "single_shot",
        "relaxation",
    )
    if one not in NOT_NEEDED
)
"""All up to f and what heat leaves in 1, then the readout's errors once more, with pulses that are
tuned, and T1, with what heat lifts to 2. Left out is what makes the readout better, and the shift
and f01 more certain."""
