"""What a trigger pulse arrives at, at an instant of the world."""

from typing import Protocol


class TriggerSink(Protocol):
    """An input that acts on rising edges."""

    def edge(self, at_fs: int) -> None:
        """Let a rising edge arrive at the connector at the world instant ``at_fs``.

        It may lie ahead: what is armed, enabled and set at that instant counts. Instants may come
        in any order.
        """
        ...
