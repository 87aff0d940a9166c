"""A Lake Shore 336 or 350 whose sensors a test sets, and what its outputs do."""

from collections.abc import Callable
from typing import Any

from tests.benches.servers.twin_conversation import TwinConversation


class LakeShoreController(TwinConversation):
    """Two sensors, an output that heats the 4 K plate and one that heats the still."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.kelvin = {1: 45.0, 2: 3.0}
        self.written: list[tuple[str, float, int]] = []
        """Output, W and fs of each change of a heater's power."""
        twin = make(
            {1: "first_stage", 2: "second_stage"},
            "S1",
            lambda channel, now_fs: self.kelvin[channel],
            {1: "4k", 4: "still"},
            lambda *what: self.written.append(what),
        )
        super().__init__(twin)
        self.say("*CLS")
