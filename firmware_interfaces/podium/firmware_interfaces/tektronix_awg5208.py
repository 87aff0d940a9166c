"""Tektronix AWG5208: eight channels of 16 bits at up to 2.5 GS/s."""

from decimal import Decimal

from podium.firmware_interfaces.tektronix_awg import Awg

AWG5208 = Awg(
    identity="AWG5208",
    channels=8,
    markers=4,
    bits_max=16,
    sample_rate_max=Decimal("2.5E9"),
    amplitude_max_v=Decimal("1.5"),
    marker_high_v=(Decimal("-0.5"), Decimal("1.75")),
    marker_low_v=(Decimal("-0.3"), Decimal("1.55")),
    external_clock_hz=(Decimal("2.5E9"), Decimal("5E9")),  # ASSUMED
    generator_max_hz=Decimal("1.25E9"),  # ASSUMED
    paths=("DCHB", "DCHV", "ACDirect"),
)
