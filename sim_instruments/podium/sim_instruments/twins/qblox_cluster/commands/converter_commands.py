"""The commands of a QRC's front end: frequency and attenuation of each output and input.

ASSUMED: input 0 and 1 share the oscillators of outputs 0 and 1 (the client sets both to one
frequency); any attenuation up to 31.5 dB can be set at any frequency; what a setting answers is
not read by the client.
"""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.sim_instruments.twins.qblox_cluster.commands import arguments
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.local_oscillator import LocalOscillator
from podium.sim_instruments.twins.qblox_cluster.refusal import SUFFIX_OUT_OF_RANGE, Refusal

HZ_PER_MHZ = 1_000_000


def register(handlers: Handlers[Module]) -> None:
    """Add the commands to ``handlers``."""
    for side in ("OUT", "IN"):
        _frequencies(handlers, side)
        _attenuators(handlers, side)
    _plan(handlers)


def _plan(handlers: Handlers[Module]) -> None:
    """Keep whether a plan of the user's rules: no plan is modelled."""

    @handlers.on("QRC:USER:FREQ:PLAN:SWITCH:SET")
    def switch(module: Module, request: Request) -> bytes:
        module.user_plan = arguments.flag(request.command)
        return b""

    @handlers.on("QRC:USER:FREQ:PLAN:SWITCH:GET?")
    def switched(module: Module, request: Request) -> bytes:
        return text_reply(str(int(module.user_plan)))


def _channel(module: Module, request: Request, side: str) -> int:
    """Return the channel that a command names; refuse what a module has not."""
    names = module.model.outputs if side == "OUT" else module.model.inputs
    count = len(names) if module.model.family == "QRC" else 0
    channel = arguments.integer(request.command)
    if not 0 <= channel < count:
        raise Refusal(
            SUFFIX_OUT_OF_RANGE,
            f"{request.command.header}: a {module.model.name} has no such channel {channel}",
        )
    return channel


def _frequencies(handlers: Handlers[Module], side: str) -> None:
    def oscillator(module: Module, request: Request) -> LocalOscillator:
        return module.oscillators[_channel(module, request, side)]

    @handlers.on(f"AFE:{side}:FREQ:SET?")
    def set_frequency(module: Module, request: Request) -> bytes:
        mhz = arguments.integer(request.command, 1)
        low, high = limits.QRC_LO_MIN_MHZ, limits.QRC_LO_MAX_MHZ
        arguments.within(request.command, mhz, low, high, "MHz")
        arguments.on_step(request.command, mhz, limits.QRC_LO_STEP_MHZ, "MHz")
        oscillator(module, request).tune(mhz * HZ_PER_MHZ)
        return block_reply(json_bytes({"frequency": mhz}))

    @handlers.on(f"AFE:{side}:FREQ:GET?")
    def frequency(module: Module, request: Request) -> bytes:
        mhz = oscillator(module, request).hz // HZ_PER_MHZ
        return block_reply(json_bytes({"frequency": mhz}))


def _attenuators(handlers: Handlers[Module], side: str) -> None:
    def attenuations(module: Module) -> list[float]:
        return module.output_attenuation_db if side == "OUT" else module.input_attenuation_db

    @handlers.on(f"AFE:{side}:ATT:SET?")
    def set_attenuation(module: Module, request: Request) -> bytes:
        channel = _channel(module, request, side)
        db = arguments.number(request.command, 1)
        arguments.within(request.command, db, 0, limits.QRC_ATTENUATION_MAX_DB, "dB")
        arguments.on_step(request.command, db, limits.QRC_ATTENUATION_STEP_DB, "dB")
        attenuations(module)[channel] = db
        return block_reply(json_bytes({"attenuation": db}))

    @handlers.on(f"AFE:{side}:ATT:GET?")
    def attenuation(module: Module, request: Request) -> bytes:
        return text_reply(repr(float(attenuations(module)[_channel(module, request, side)])))

    @handlers.on(f"AFE:{side}:MAX:ATT:GET?")
    def most(module: Module, request: Request) -> bytes:
        _channel(module, request, side)
        return text_reply(repr(limits.QRC_ATTENUATION_MAX_DB))
