"""The commands of the CMM, and those that start and stop sequencers."""

from podium.firmware_interfaces.qblox_cluster import identity
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.sim_instruments.twins.qblox_cluster.commands import (
    arguments,
    common_commands,
    timing_commands,
)
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.management import Management
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.runs.runs import Runs
from podium.sim_instruments.twins.qblox_cluster.sequencer import Sequencer


def cmm_handlers() -> Handlers[Management]:
    """Return what the CMM means by its commands."""
    handlers: Handlers[Management] = Handlers()
    common_commands.register(handlers)
    timing_commands.register(handlers)

    @handlers.on("*IDN?")
    def identify(cmm: Management, request: Request) -> bytes:
        return text_reply(identity.identification("Cluster MM", cmm.serial, cmm.release))

    @handlers.on("*DESCribe?")
    def describe(cmm: Management, request: Request) -> bytes:
        return block_reply(identity.cluster_description(cmm.models, cmm.serial, cmm.release))

    @handlers.on("*MODS?")
    def connected(cmm: Management, request: Request) -> bytes:
        return block_reply(identity.modules_connected(cmm.models, cmm.serial, cmm.release))

    @handlers.on("BP:MODules?")
    def present(cmm: Management, request: Request) -> bytes:
        return text_reply(str(identity.modules_present(cmm.models)))

    @handlers.on("STATus:GENeral:STATE?")
    def state(cmm: Management, request: Request) -> bytes:
        word, flags = cmm.reference.state(request.now_fs)
        return text_reply(f"{word};{''.join(f'{flag},' for flag in flags)}")

    @handlers.on("STATE:GENeral:STATE?")
    def state_in_json(cmm: Management, request: Request) -> bytes:
        return text_reply(identity.system_state(cmm.models, *cmm.reference.state(request.now_fs)))

    @handlers.on("*CLS")
    def clear(cmm: Management, request: Request) -> bytes:
        cmm.errors.clear()
        cmm.reference.clear(request.now_fs)
        return b""

    @handlers.on("STATus:QUEStionable:FREQuency:REFerence:SRC")
    def select_reference(cmm: Management, request: Request) -> bytes:
        internal = arguments.flag(request.command)
        cmm.reference.select(not internal, request.now_fs)
        return b""

    @handlers.on("STATus:QUEStionable:FREQuency:REFerence:SRC?")
    def reference(cmm: Management, request: Request) -> bytes:
        return text_reply(str(int(not cmm.reference.external)))

    return handlers


LinqTarget = tuple[Management, int]
"""The CMM and a slot: 0 is the CMM's own."""


def linq_handlers() -> Handlers[LinqTarget]:
    """Return what the commands do that route messages between sequencers."""
    handlers: Handlers[LinqTarget] = Handlers()

    @handlers.on("ROUter:CONFiguation")
    def configure(target: LinqTarget, request: Request) -> bytes:
        cmm, slot = target
        cmm.linq.configure(slot, arguments.json_block(request.command))
        return b""

    @handlers.on("ROUter:CONFiguation?")
    def configuration(target: LinqTarget, request: Request) -> bytes:
        cmm, slot = target
        return block_reply(json_bytes(cmm.linq.told(slot)))

    @handlers.on("ROUter:CONFiguation:RST")
    def reset(target: LinqTarget, request: Request) -> bytes:
        cmm, slot = target
        cmm.linq.reset(slot)
        return b""

    @handlers.on("SEQuencer#:SELFcast:ID")
    def set_self_cast(target: LinqTarget, request: Request) -> bytes:
        cmm, slot = target
        cmm.linq.set_self_cast_max(slot, request.index, arguments.integer(request.command))
        return b""

    @handlers.on("SEQuencer#:SELFcast:ID?")
    def self_cast(target: LinqTarget, request: Request) -> bytes:
        cmm, slot = target
        return text_reply(str(cmm.linq.self_cast_max(slot, request.index)))

    return handlers


RunTarget = tuple[Runs, Module]


def _chosen(module: Module, request: Request) -> tuple[Sequencer, ...]:
    """Return the sequencer the header names, or all of the module."""
    if request.found.indices:
        return (module.sequencer(request.index),)
    return module.sequencers


TimedModule = tuple[Management, Module]


def timed_module_handlers() -> Handlers[TimedModule]:
    """Return what a module means by the commands of its capture unit.

    ASSUMED: source n of a QTM is its channel n - 1; other modules have the party line alone.
    """
    handlers: Handlers[TimedModule] = Handlers()

    @handlers.on("TIMEkeeping:CAPTure:ARM")
    def arm(target: TimedModule, request: Request) -> bytes:
        cmm, module = target
        sources = module.model.channels
        return timing_commands.arm_capture(cmm, module.slot, sources, request)

    @handlers.on("TIMEkeeping:CAPTure?")
    def read(target: TimedModule, request: Request) -> bytes:
        cmm, module = target
        return timing_commands.captured(cmm, module.slot)

    return handlers


def run_handlers() -> Handlers[RunTarget]:
    """Return what the commands do that arm, start and stop sequencers of a module."""
    handlers: Handlers[RunTarget] = Handlers()

    @handlers.on("SEQuencer#:ARM")
    def arm(target: RunTarget, request: Request) -> bytes:
        runs, module = target
        module.refuse_net_zero(_chosen(module, request))
        runs.arm(_chosen(module, request), request.now_fs)
        return b""

    @handlers.on("SEQuencer:ARM")
    def arm_all(target: RunTarget, request: Request) -> bytes:
        runs, module = target
        # ASSUMED: sequencers without a program are left alone
        armed = [s for s in module.sequencers if s.has_program]
        module.refuse_net_zero(armed)
        runs.arm(armed, request.now_fs)
        return b""

    @handlers.on("SEQuencer#:START", "SEQuencer:START")
    def start(target: RunTarget, request: Request) -> bytes:
        runs, module = target
        runs.start(module, _chosen(module, request), request.now_fs)
        return b""

    @handlers.on("SEQuencer#:STOP", "SEQuencer:STOP")
    def stop(target: RunTarget, request: Request) -> bytes:
        runs, module = target
        runs.stop(_chosen(module, request), request.now_fs)
        return b""

    return handlers
