"""Tektronix AWG70002A: two channels of 10 bits at up to 25 GS/s."""

from decimal import Decimal

from podium.firmware_interfaces.tektronix_awg import PREDEFINED, Awg, predefined_path

_MARKER_V = (Decimal("-1.4"), Decimal("1.4"))
AWG70002A = Awg(
    identity="AWG70002A",
    options="225,03",  # ASSUMED: with sequencing
    channels=2,
    markers=2,
    bits_max=10,
    sample_rate_min=Decimal("1.49E3"),
    sample_rate_max=Decimal("25E9"),
    external_clock_factor=2,
    amplitudes_v={"DIR": (Decimal("0.125"), Decimal("0.5"))},
    offset_paths=frozenset(),  # an MDC4500 would have one
    output_paths=("DIRect", "DCAmplified", "AC"),
    marker_high_v=_MARKER_V,
    marker_low_v=_MARKER_V,
    external_clock_hz=(Decimal("6.25E9"), Decimal("12.5E9")),
    generator_max_hz=Decimal("12.5E9"),
    paths=("DIRect", "DCAMplified", "AC"),
    samples_max=2_000_000_000,
    predefined=(predefined_path("AWG70000"), f"*Clock960,{PREDEFINED}"),
)
