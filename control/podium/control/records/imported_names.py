"""Makes names of variables of what others have called their channels."""

import re


def name_of(said: str) -> str:
    """Return a name that netCDF and Python both take: ``VNA - S21`` becomes ``VNA_S21``."""
    plain = re.sub(r"\W+", "_", said, flags=re.ASCII).strip("_")
    return plain if plain and not plain[0].isdigit() else f"x_{plain}"
