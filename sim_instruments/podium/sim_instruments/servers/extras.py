"""Some simulations need an extra that is not installed with Podium alone."""

from importlib.util import find_spec

CHIP = ("numba", "scipy")
"""Distributions that chips and controllers of pulses need, and boxes on a bench do not."""


class ExtraMissing(RuntimeError):
    """Something is asked for that is not installed. The message names the extra."""


def check_extra(wanted: str) -> None:
    """Raise :class:`ExtraMissing` if ``wanted`` (``a chip``) cannot be simulated here."""
    missing = [name for name in CHIP if find_spec(name) is None]
    if missing:
        raise ExtraMissing(
            f"{wanted} cannot be simulated here: {' and '.join(missing)} not installed. "
            "Install them: pip install 'podium[chip]'"
        )
