"""Tektronix AWG5208: eight channels of 16 bits at up to 2.5 GS/s."""

from decimal import Decimal

from podium.firmware_interfaces.tektronix_awg import PREDEFINED, Awg, predefined_path

AWG5208 = Awg(
    identity="AWG5208",
    options="25,DC,HV,SEQ",  # ASSUMED
    channels=8,
    markers=4,
    bits_max=16,
    sample_rate_min=Decimal(298),
    sample_rate_max=Decimal("2.5E9"),
    external_clock_factor=None,
    amplitudes_v={
        "DCHB": (Decimal("0.025"), Decimal("1.5")),  # with option DC
        "DCHV": (Decimal("0.01"), Decimal(5)),  # with option HV
        "ACD": (Decimal("0.025"), Decimal("0.75")),
    },
    offset_paths=frozenset({"DCHB", "DCHV"}),
    output_paths=("DCHB", "DCHV", "ACDirect", "ACAMplified"),
    marker_high_v=(Decimal("-0.5"), Decimal("1.75")),
    marker_low_v=(Decimal("-0.3"), Decimal("1.55")),
    external_clock_hz=(Decimal("2.5E9"), Decimal("5E9")),  # ASSUMED
    generator_max_hz=Decimal("1.25E9"),  # ASSUMED
    paths=("DCHB", "DCHV", "ACDirect"),
    samples_max=16_200_000,
    predefined=(predefined_path("AWG5200"), PREDEFINED),
)
