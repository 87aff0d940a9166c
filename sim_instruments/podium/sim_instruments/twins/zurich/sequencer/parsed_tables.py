"""Command tables are parsed once: when they are taken, and for every start after that."""

from functools import lru_cache
from typing import Final

from podium.firmware_interfaces.zurich.command_table import parse_command_table

TABLES_KEPT: Final = 32
parsed_table = lru_cache(TABLES_KEPT)(parse_command_table)
"""See :func:`.parse_command_table`; what it refuses is parsed again."""
