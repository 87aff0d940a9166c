"""Tektronix AWG70002A: two channels of 10 bits at up to 25 GS/s."""

from decimal import Decimal

from podium.firmware_interfaces.tektronix_awg import Awg

_MARKER_V = (Decimal("-1.4"), Decimal("1.4"))
AWG70002A = Awg(
    identity="AWG70002A",
    channels=2,
    markers=2,
    bits_max=10,
    sample_rate_max=Decimal("25E9"),
    amplitude_max_v=Decimal("0.5"),
    marker_high_v=_MARKER_V,
    marker_low_v=_MARKER_V,
    external_clock_hz=(Decimal("6.25E9"), Decimal("12.5E9")),
    generator_max_hz=Decimal("12.5E9"),
    paths=("DIRect", "DCAMplified", "AC"),
)
