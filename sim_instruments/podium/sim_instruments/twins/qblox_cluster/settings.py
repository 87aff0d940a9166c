"""Settings that are kept and read back, but meant by nothing in the simulation."""

from collections.abc import Mapping

from podium.firmware_interfaces.qblox_cluster.command_table import CommandMatch, Reply
from podium.firmware_interfaces.qblox_cluster.framing import Command, block_reply, text_reply
from podium.sim_instruments.twins.qblox_cluster.refusal import OUT_OF_RANGE, Refusal

Key = tuple[str, tuple[int, ...], tuple[str, ...]]

WORDS: Mapping[str, tuple[str, ...]] = {
    "STATus:QUEStionable:LED:BRIGHTness": ("OFF", "LOW", "MEDIUM", "HIGH"),
}
"""What may be kept, where the client or the vendor's page says it."""


class KeptSettings:
    """Answers from what was last set, else from the command table."""

    def __init__(self) -> None:
        self._text: dict[Key, str] = {}
        self._blocks: dict[Key, bytes] = {}

    def handle(self, found: CommandMatch, command: Command) -> bytes:
        """Keep a setting, or return the answer to a query in the form the client reads."""
        entry = found.entry
        name = entry.header.rstrip("?")
        if entry.reply is Reply.NOTHING:
            if command.block is not None:
                self._blocks[name, found.indices, command.arguments] = command.block
            elif command.arguments:
                key = (name, found.indices, command.arguments[:-1])
                word, allowed = command.arguments[-1], WORDS.get(name)
                if allowed is not None and word not in allowed:
                    raise Refusal(
                        OUT_OF_RANGE,
                        f"{command.header}: {word!r} must be one of {', '.join(allowed)}",
                    )
                self._text[key] = word
            return b""
        key = (name, found.indices, command.arguments)
        if entry.reply is Reply.STREAM or entry.reply.is_block:
            return block_reply(self._blocks.get(key, entry.default.encode()))
        return text_reply(self._text.get(key, entry.default))
