"""All ways in."""

from typing import Final

from tests.hostile.control_parsers import CONTROL
from tests.hostile.parser import Parser
from tests.hostile.parsers import INTERFACES
from tests.hostile.twin_parsers import TWINS

PARSERS: Final[tuple[Parser, ...]] = (*INTERFACES, *TWINS, *CONTROL)
