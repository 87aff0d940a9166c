"""The commands of ``SEQuencer#:`` that act on memories and parameters of one sequencer."""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.firmware_interfaces.qblox_cluster.messages import PartialEncoding, SampleEncoding
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    BadConfiguration,
    read_configuration,
)
from podium.sim_instruments.twins.qblox_cluster.commands import arguments
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.inputs.scope import UnsimulatedRecord
from podium.sim_instruments.twins.qblox_cluster.memories.sample_list import SampleList
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    EXECUTION_ERROR,
    ILLEGAL_PARAMETER,
    OUT_OF_RANGE,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.sequencer import channel_map

_WAVEFORMS = "SEQuencer#:AWG:WLISt"
_WEIGHTS = "SEQuencer#:ACQ:WLISt"
_ACQUISITIONS = "SEQuencer#:ACQ:ALISt"


def register(handlers: Handlers[Module]) -> None:
    """Add the commands to ``handlers``."""
    _programs(handlers)
    _parameters(handlers)
    _registers(handlers)
    _sample_lists(handlers)
    _acquisitions(handlers)
    _acquisition_data(handlers)


def _programs(handlers: Handlers[Module]) -> None:
    @handlers.on("SEQuencer#:PROGram")
    def program(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(request.index)
        module.assembler.begin(arguments.block(request.command), sequencer.load)
        return b""

    @handlers.on("SEQuencer#:ASSEmble")
    def assemble(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(request.index)
        module.assembler.begin(arguments.block(request.command), sequencer.stage)
        return b""

    @handlers.on("SEQuencer#:ISAversion?")
    def isa_version(module: Module, request: Request) -> bytes:
        module.sequencer(request.index)
        return block_reply(json_bytes({"major": module.release.isa, "minor": 0}))

    @handlers.on("SEQuencer#:STATE?")
    def state(module: Module, request: Request) -> bytes:
        status = module.sequencer(request.index).status()
        return text_reply(status.line(with_exit_code=module.release.isa > 1))

    @handlers.on("SEQuencer#:CLR:FLAGS")
    def clear_flags(module: Module, request: Request) -> bytes:
        module.sequencer(request.index).clear_flags()
        return b""

    @handlers.on("SEQuencer:CLR:FLAGS")
    def clear_all_flags(module: Module, request: Request) -> bytes:
        for sequencer in module.sequencers:
            sequencer.clear_flags()
        return b""


def _registers(handlers: Handlers[Module]) -> None:
    @handlers.on("SEQuencer#:REGisterS")
    def set_registers(module: Module, request: Request) -> bytes:
        module.sequencer(request.index).set_registers(arguments.json_block(request.command))
        return b""

    @handlers.on("SEQuencer#:REGisterS?")
    def registers(module: Module, request: Request) -> bytes:
        values = module.sequencer(request.index).registers
        numbers = {f"R{n}": value for n, value in enumerate(values)}
        wanted = ",".join(request.command.arguments)
        names = numbers if wanted in ("", "*") else wanted.split(",")
        return block_reply(json_bytes({name: numbers[name] for name in names if name in numbers}))


def _parameters(handlers: Handlers[Module]) -> None:
    @handlers.on("SEQuencer#:CONFiguration")
    def configure(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(request.index)
        try:
            values, configuration = read_configuration(arguments.block(request.command))
        except BadConfiguration as error:
            raise Refusal(OUT_OF_RANGE, f"sequencer {request.index}: {error}") from error
        sequencer.configuration_values = values
        sequencer.configuration = configuration
        return b""

    @handlers.on("SEQuencer#:CONFiguration?")
    def configuration(module: Module, request: Request) -> bytes:
        return block_reply(json_bytes(module.sequencer(request.index).configuration_values))

    @handlers.on("SEQuencer#:CHANnelmap")
    def connect_outputs(module: Module, request: Request) -> bytes:
        values = arguments.json_block(request.command)
        module.sequencer(request.index).outputs = channel_map(values, module.model.dacs, "output")
        return b""

    @handlers.on("SEQuencer#:CHANnelmap?")
    def outputs(module: Module, request: Request) -> bytes:
        return block_reply(json_bytes(module.sequencer(request.index).outputs))

    @handlers.on("SEQuencer#:ACQ:CHANnelmap")
    def connect_inputs(module: Module, request: Request) -> bytes:
        values = arguments.json_block(request.command)
        module.sequencer(request.index).inputs = channel_map(values, module.model.adcs, "input")
        return b""

    @handlers.on("SEQuencer#:ACQ:CHANnelmap?")
    def inputs(module: Module, request: Request) -> bytes:
        return block_reply(json_bytes(module.sequencer(request.index).inputs))


def _list(module: Module, request: Request) -> SampleList:
    """Return the waveform list or the weight list, as the header says."""
    sequencer = module.sequencer(request.index)
    if request.found.entry.header.startswith(_WAVEFORMS):
        return sequencer.waveforms
    return sequencer.weights


def _sample_lists(handlers: Handlers[Module]) -> None:
    def both(tail: str) -> tuple[str, str]:
        return f"{_WAVEFORMS}:WAVeform:{tail}", f"{_WEIGHTS}:WEIght:{tail}"

    @handlers.on(*both("NEW"))
    def new(module: Module, request: Request) -> bytes:
        command = request.command
        is_integer = arguments.flag(command, 2)
        encoding = SampleEncoding.INT32 if is_integer else SampleEncoding.FLOAT32
        samples = _list(module, request)
        samples.new(arguments.text(command), arguments.integer(command, 1), encoding)
        return b""

    @handlers.on(*both("NEWEncoded"))
    def new_encoded(module: Module, request: Request) -> bytes:
        command = request.command
        samples = _list(module, request)
        samples.new(
            arguments.text(command), arguments.integer(command, 1), arguments.integer(command, 2)
        )
        return b""

    @handlers.on(*both("DATA"))
    def data(module: Module, request: Request) -> bytes:
        name, block = arguments.text(request.command), arguments.block(request.command)
        _list(module, request).load(name, block, SampleEncoding.FLOAT32)
        return b""

    @handlers.on(*both("PACKed"))
    def packed(module: Module, request: Request) -> bytes:
        name, block = arguments.text(request.command), arguments.block(request.command)
        _list(module, request).load(name, block)
        return b""

    @handlers.on(*both("DATA?"))
    def read(module: Module, request: Request) -> bytes:
        command = request.command
        start, size = arguments.integer(command, 1), arguments.integer(command, 2)
        return block_reply(_list(module, request).read(arguments.text(command), start, size))

    @handlers.on(*both("DELete"))
    def delete(module: Module, request: Request) -> bytes:
        _list(module, request).delete(arguments.text(request.command))
        return b""

    @handlers.on(*both("INDex"))
    def set_index(module: Module, request: Request) -> bytes:
        command = request.command
        _list(module, request).set_index(arguments.text(command), arguments.integer(command, 1))
        return b""

    @handlers.on(*both("INDex?"))
    def index(module: Module, request: Request) -> bytes:
        return text_reply(str(_list(module, request).index(arguments.text(request.command))))

    @handlers.on(*both("LENGth?"))
    def length(module: Module, request: Request) -> bytes:
        return text_reply(str(_list(module, request).length(arguments.text(request.command))))

    @handlers.on(*both("NAME?"))
    def name(module: Module, request: Request) -> bytes:
        return text_reply(_list(module, request).name(arguments.integer(request.command)))

    @handlers.on(f"{_WAVEFORMS}:SIZE?", f"{_WEIGHTS}:SIZE?")
    def size(module: Module, request: Request) -> bytes:
        return text_reply(str(len(_list(module, request))))

    @handlers.on(f"{_WAVEFORMS}?", f"{_WEIGHTS}?")
    def whole(module: Module, request: Request) -> bytes:
        return block_reply(*_list(module, request).payloads())


def _acquisitions(handlers: Handlers[Module]) -> None:
    head = f"{_ACQUISITIONS}:ACQuisition"

    @handlers.on(f"{head}:NEW")
    def new(module: Module, request: Request) -> bytes:
        if not module.model.acquires:
            raise Refusal(ILLEGAL_PARAMETER, f"a {module.model.name} has no inputs")
        command = request.command
        name, bins = arguments.text(command), arguments.integer(command, 1)
        arguments.within(command, bins, 1, limits.BINS, "bins")
        module.sequencer(request.index).acquisitions.new(name, bins, module.free_bins)
        return b""

    @handlers.on(f"{head}:DELete")
    def delete(module: Module, request: Request) -> bytes:
        module.sequencer(request.index).acquisitions.delete(arguments.text(request.command))
        return b""

    @handlers.on(f"{head}:INDex")
    def set_index(module: Module, request: Request) -> bytes:
        name, index = arguments.text(request.command), arguments.integer(request.command, 1)
        module.sequencer(request.index).acquisitions.set_index(name, index)
        return b""

    @handlers.on(f"{head}:INDex?")
    def index(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        return text_reply(str(acquisitions.index(arguments.text(request.command))))

    @handlers.on(f"{head}:BINs?")
    def bins(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        return text_reply(str(acquisitions.bins(arguments.text(request.command))))

    @handlers.on(f"{head}:NAME?")
    def name(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        return text_reply(acquisitions.name(arguments.integer(request.command)))

    @handlers.on(f"{_ACQUISITIONS}:SIZE?")
    def size(module: Module, request: Request) -> bytes:
        return text_reply(str(len(module.sequencer(request.index).acquisitions)))


def _encoding(request: Request, position: int) -> PartialEncoding:
    flag = arguments.integer(request.command, position)
    try:
        return PartialEncoding.from_flag(flag)
    except ValueError as error:
        raise Refusal(ILLEGAL_PARAMETER, f"{request.command.header}: {error}") from error


def _acquisition_data(handlers: Handlers[Module]) -> None:
    head = f"{_ACQUISITIONS}:ACQuisition"

    @handlers.on(f"{head}:DATA")
    def store_scope(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(request.index)
        for path in module.scope_memory:
            if isinstance(path, UnsimulatedRecord):
                raise Refusal(EXECUTION_ERROR, f"{request.command.header}: {path.why}")
        sequencer.acquisitions.store_scope(arguments.text(request.command), module.scope_memory)
        return b""

    @handlers.on(f"{head}:DATA:DELete")
    def delete_data(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(request.index)
        sequencer.acquisitions.delete_data(arguments.text(request.command))
        return b""

    @handlers.on(f"{head}:DATA?")
    def data(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        return block_reply(*acquisitions.data(arguments.text(request.command)))

    @handlers.on(f"{head}:PARTial:DATA?")
    def partial_data(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        encoding = _encoding(request, 1)
        return block_reply(*acquisitions.data(arguments.text(request.command), encoding))

    @handlers.on(f"{_ACQUISITIONS}?")
    def whole(module: Module, request: Request) -> bytes:
        return block_reply(*module.sequencer(request.index).acquisitions.payloads())

    @handlers.on("SEQuencer#:ACQ:PARTial:ALISt?")
    def whole_partial(module: Module, request: Request) -> bytes:
        acquisitions = module.sequencer(request.index).acquisitions
        return block_reply(*acquisitions.payloads(_encoding(request, 0)))
