"""The commands of a QTM's channels and quads."""

from podium.firmware_interfaces.qblox_cluster.framing import block_reply
from podium.sim_instruments.twins.qblox_cluster.commands import arguments
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.refusal import SUFFIX_OUT_OF_RANGE, Refusal
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import (
    CHANNELS,
    QUADS,
    IoBank,
    checked_channel,
    checked_quad,
)


def _bank(module: Module, request: Request, count: int, what: str) -> IoBank:
    if module.io is None or request.index >= count:
        raise Refusal(SUFFIX_OUT_OF_RANGE, f"a {module.model.name} has no {what} {request.index}")
    return module.io


def register(handlers: Handlers[Module]) -> None:
    """Add the commands to ``handlers``."""

    @handlers.on("IO:CHANnel#:CONFig")
    def configure(module: Module, request: Request) -> bytes:
        bank = _bank(module, request, CHANNELS, "channel")
        values = checked_channel(arguments.json_block(request.command))
        bank.channels[request.index] = values
        return b""

    @handlers.on("IO:CHANnel#:CONFig?")
    def configuration(module: Module, request: Request) -> bytes:
        bank = _bank(module, request, CHANNELS, "channel")
        return block_reply(json_bytes(bank.channels[request.index]))

    @handlers.on("IO:CHANnel#:STATus?")
    def status(module: Module, request: Request) -> bytes:
        bank = _bank(module, request, CHANNELS, "channel")
        mode = bank.channels[request.index]["out_mode"]
        connector = f"slot{module.slot}.io{bank.heard_at(request.index)}"
        high = mode == "high" or (
            mode == "disabled" and module.lines.level(connector, request.now_fs)
        )
        return block_reply(json_bytes({"io_monitor": int(high)}))

    @handlers.on("IO:CHANnel#:SCOpe:DATA?")
    def scope(module: Module, request: Request) -> bytes:
        bank = _bank(module, request, CHANNELS, "channel")
        return block_reply(json_bytes(bank.take_scope(request.index)))

    @handlers.on("QUAD#:CONFig")
    def configure_quad(module: Module, request: Request) -> bytes:
        bank = _bank(module, request, QUADS, "quad")
        bank.quads[request.index] = checked_quad(arguments.json_block(request.command))
        return b""

    @handlers.on("QUAD#:CONFig?")
    def quad(module: Module, request: Request) -> bytes:
        return block_reply(json_bytes(_bank(module, request, QUADS, "quad").quads[request.index]))
