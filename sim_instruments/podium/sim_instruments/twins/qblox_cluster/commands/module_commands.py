"""The commands of a module that act on its front end, scope and assembler."""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.firmware_interfaces.qblox_cluster.identity import module_identification
from podium.sim_instruments.twins.qblox_cluster.commands import (
    arguments,
    channel_commands,
    common_commands,
    converter_commands,
    front_end_commands,
    sequencer_commands,
)
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    SUFFIX_OUT_OF_RANGE,
    Refusal,
)


def module_handlers() -> Handlers[Module]:
    """Return what a module means by its commands, starts and stops excepted."""
    handlers: Handlers[Module] = Handlers()
    common_commands.register(handlers)
    sequencer_commands.register(handlers)
    _identity(handlers)
    _oscillators(handlers)
    _attenuators(handlers)
    converter_commands.register(handlers)
    _offsets(handlers)
    _configuration(handlers)
    front_end_commands.register(handlers)
    channel_commands.register(handlers)
    return handlers


def _identity(handlers: Handlers[Module]) -> None:
    @handlers.on("*IDN?", "IDN?")
    def identify(module: Module, request: Request) -> bytes:
        told = module_identification(module.model, module.serial, module.slot, module.release)
        return text_reply(told)

    @handlers.on("STATus:ASSEMbler:SUCCess?")
    def assembled(module: Module, request: Request) -> bytes:
        return text_reply("1" if module.assembler.succeeded else "0")

    @handlers.on("STATus:ASSEMbler:LOG?")
    def assembler_log(module: Module, request: Request) -> bytes:
        return block_reply(module.assembler.log.encode())


def _entry(module: Module, request: Request, there: bool, what: str) -> int:
    """Return the number in the header; refuse it where the module has no such thing."""
    if not there:
        raise Refusal(SUFFIX_OUT_OF_RANGE, f"a {module.model.name} has no {what} {request.index}")
    return request.index


def _lo(module: Module, request: Request) -> int:
    known = module.model.rf and request.index < len(module.oscillators)
    return _entry(module, request, known, "local oscillator")


def _oscillators(handlers: Handlers[Module]) -> None:
    @handlers.on("STATus:QUEStionable:FREQuency:LO#")
    def set_lo(module: Module, request: Request) -> bytes:
        lo = _lo(module, request)
        hz = arguments.integer(request.command)
        arguments.within(request.command, hz, limits.LO_MIN_HZ, limits.LO_MAX_HZ, "Hz")
        module.oscillators[lo].tune(hz)
        return b""

    @handlers.on("STATus:QUEStionable:FREQuency:LO#?")
    def get_lo(module: Module, request: Request) -> bytes:
        return text_reply(str(module.oscillators[_lo(module, request)].hz))

    @handlers.on("LO#:ENAble")
    def enable_lo(module: Module, request: Request) -> bytes:
        module.oscillators[_lo(module, request)].switch(arguments.flag(request.command))
        return b""

    @handlers.on("LO#:ENAble?")
    def lo_enabled(module: Module, request: Request) -> bytes:
        return text_reply("1" if module.oscillators[_lo(module, request)].on else "0")


def _attenuators(handlers: Handlers[Module]) -> None:
    def output(module: Module, request: Request) -> int:
        known = module.model.rf and request.index < len(module.model.outputs)
        return _entry(module, request, known, "output attenuator")

    def input_(module: Module, request: Request) -> int:
        known = module.model.rf and request.index < len(module.model.inputs)
        return _entry(module, request, known, "input attenuator")

    @handlers.on("AFE:ATT:OUT#")
    def set_output(module: Module, request: Request) -> bytes:
        n, db = output(module, request), arguments.integer(request.command)
        arguments.within(request.command, db, 0, limits.OUTPUT_ATTENUATION_MAX_DB, "dB")
        arguments.on_step(request.command, db, limits.OUTPUT_ATTENUATION_STEP_DB, "dB")
        module.output_attenuation_db[n] = db
        return b""

    @handlers.on("AFE:ATT:OUT#?")
    def get_output(module: Module, request: Request) -> bytes:
        return text_reply(str(module.output_attenuation_db[output(module, request)]))

    @handlers.on("AFE:ATT:OUT#:MAX?")
    def maximum(module: Module, request: Request) -> bytes:
        output(module, request)
        return text_reply(str(limits.OUTPUT_ATTENUATION_MAX_DB))

    @handlers.on("AFE:ATT:IN#")
    def set_input(module: Module, request: Request) -> bytes:
        n, db = input_(module, request), arguments.integer(request.command)
        arguments.within(request.command, db, 0, limits.INPUT_ATTENUATION_MAX_DB, "dB")
        arguments.on_step(request.command, db, limits.INPUT_ATTENUATION_STEP_DB, "dB")
        module.input_attenuation_db[n] = db
        return b""

    @handlers.on("AFE:ATT:IN#?")
    def get_input(module: Module, request: Request) -> bytes:
        return text_reply(str(module.input_attenuation_db[input_(module, request)]))

    @handlers.on("AFE:GAIN:INAMP#")
    def set_gain(module: Module, request: Request) -> bytes:
        n = _entry(module, request, _has_gain(module, request), "input amplifier")
        db = arguments.integer(request.command)
        arguments.within(
            request.command, db, limits.INPUT_GAIN_MIN_DB, limits.INPUT_GAIN_MAX_DB, "dB"
        )
        module.input_gain_db[n] = db
        return b""

    @handlers.on("AFE:GAIN:INAMP#?")
    def gain(module: Module, request: Request) -> bytes:
        n = _entry(module, request, _has_gain(module, request), "input amplifier")
        return text_reply(str(module.input_gain_db[n]))


def _has_gain(module: Module, request: Request) -> bool:
    return not module.model.rf and request.index < module.model.adcs


def _offsets(handlers: Handlers[Module]) -> None:
    def output(module: Module, request: Request) -> int:
        return _entry(module, request, request.index < len(module.offset_v), "output offset")

    @handlers.on("AFE:OFFSet:DAC#")
    def set_offset(module: Module, request: Request) -> bytes:
        n, volts = output(module, request), arguments.number(request.command)
        most = limits.QRM_OFFSET_MAX_V if module.model.readout else limits.QCM_OFFSET_MAX_V
        arguments.within(request.command, volts, -most, most, "V")
        module.offset_v[n] = volts
        return b""

    @handlers.on("AFE:OFFSet:DAC#?")
    def offset(module: Module, request: Request) -> bytes:
        return text_reply(repr(module.offset_v[output(module, request)]))


def _configuration(handlers: Handlers[Module]) -> None:
    @handlers.on("ACQ:SCOpe:CONFiguration")
    def set_scope(module: Module, request: Request) -> bytes:
        _needs_scope(module)
        module.set_scope_configuration(arguments.json_block(request.command))
        return b""

    @handlers.on("ACQ:SCOpe:CONFiguration?")
    def scope(module: Module, request: Request) -> bytes:
        _needs_scope(module)
        return block_reply(json_bytes(module.scope_configuration))


def _needs_scope(module: Module) -> None:
    if not module.model.readout:
        raise Refusal(SUFFIX_OUT_OF_RANGE, f"a {module.model.name} has no scope")
