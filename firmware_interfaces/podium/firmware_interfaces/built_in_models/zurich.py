"""Instruments of Zurich Instruments behind a data server."""

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.instrument_model import (
    Connector,
    InstrumentModel,
    MapOption,
    Marker,
    ModuleModel,
    PulseOutput,
    Range,
    ResultTiming,
    RfInput,
    RfOutput,
    TextOption,
    TriggerInput,
)
from podium.firmware_interfaces.zurich import limits as zurich
from podium.firmware_interfaces.zurich.awg_limits import GRANULARITY, READOUT_SAMPLES

_SHF_LO = Range(zurich.LO_MIN_HZ, zurich.LO_MAX_HZ, "Hz", step=zurich.LO_STEP_HZ)

_SHF_BAND = Range(-zurich.BAND_HZ, zurich.BAND_HZ, "Hz")

# Their ranges are set, not attenuators: full scale is the largest range less this.
_SHF_OUT_ATT = Range(
    0, zurich.OUTPUT_RANGE_MAX_DBM - zurich.OUTPUT_RANGE_MIN_DBM, "dB", step=zurich.RANGE_STEP_DB
)

_SHF_IN_ATT = Range(
    0, zurich.INPUT_RANGE_MAX_DBM - zurich.INPUT_RANGE_MIN_DBM, "dB", step=zurich.RANGE_STEP_DB
)

_SHF_TRIGGER_FS = zurich.TRIGGER_INPUT_PERIOD_NS * FS_PER_NS


def _generators(count: int) -> tuple[Connector, ...]:
    """Return the channels of a signal generator; two and two have a synthesizer in common."""
    top = zurich.OUTPUT_RANGE_MAX_DBM
    return tuple(
        one
        for n in range(count)
        for one in (
            RfOutput(f"sg{n}", _SHF_LO, _SHF_BAND, _SHF_OUT_ATT, f"sg{n // 2}", top),
            TriggerInput(f"sg{n}_trigger", _SHF_TRIGGER_FS, reads_level=True),
            Marker(f"sg{n}_marker", n),
        )
    )


def _analysers(count: int) -> tuple[Connector, ...]:
    """Return the channels of a quantum analyzer."""
    top = zurich.OUTPUT_RANGE_MAX_DBM
    return tuple(
        one
        for n in range(count)
        for one in (
            RfOutput(f"qa{n}_out", _SHF_LO, _SHF_BAND, _SHF_OUT_ATT, f"qa{n}", top),
            RfInput(f"qa{n}_in", _SHF_LO, _SHF_BAND, _SHF_IN_ATT, f"qa{n}"),
        )
    )


def _analyser_triggers(count: int) -> tuple[Connector, ...]:
    """Return the trigger inputs of an analyser; beside generators it hears theirs, too, and they
    not its."""
    return tuple(
        TriggerInput(f"qa{n}_trigger_{side}", _SHF_TRIGGER_FS)
        for n in range(count)
        for side in "ab"
    )


def _waves(count: int) -> tuple[Connector, ...]:
    """Return the outputs of an HDAWG."""
    return tuple(PulseOutput(f"sigout{n}", zurich.HDAWG_RANGES_V) for n in range(count))


def _hub_triggers(count: int) -> tuple[Connector, ...]:
    """Return the trigger inputs of a PQSC, with which it starts the others."""
    return tuple(TriggerInput(f"trigger{n}", _SHF_TRIGGER_FS) for n in range(count))


_ZURICH_DEVICES = {
    model.name: model
    for model in (
        ModuleModel("SHFQC", (*_analysers(1), *_generators(6))),
        ModuleModel("SHFSG4", _generators(4)),
        ModuleModel("SHFSG8", _generators(8)),
        ModuleModel("SHFQA2", (*_analysers(2), *_analyser_triggers(2))),
        ModuleModel("SHFQA4", (*_analysers(4), *_analyser_triggers(4))),
        ModuleModel("HDAWG4", _waves(4)),
        ModuleModel("HDAWG8", _waves(8)),
        ModuleModel("PQSC", _hub_triggers(zurich.PQSC_TRIGGER_INPUTS)),
    )
}
"""What lines can be wired to. An HDAWG holds no static bias; a PQSC starts the others."""

ZURICH = InstrumentModel(
    name="zurich",
    vendor="Zurich Instruments",
    product="data server",
    address="host",
    ports={"data_server": zurich.TCP_PORT},
    roles=("PulseSequencer", "CountsTicks"),
    stores_readouts=True,
    longest_readout_ns=READOUT_SAMPLES // 2,  # 2 GSa/s
    shot_grid_ns=GRANULARITY // 2,
    driver="podium.drivers.zurich.data_server:ZurichDataServer",
    twin="podium.sim_instruments.twins.zurich.data_server.data_server_factory:running_data_server",
    family="podium.control.families.zurich.family:ZurichFamily",
    options=(
        MapOption("devices", "serial number: model", 1, zurich.SERIAL_MAX, zurich.DEVICE_MODELS),
        MapOption(
            "options",
            "serial number: options of a quantum analyzer, or of an HDAWG",
            1,
            zurich.SERIAL_MAX,
            zurich.ANALYSER_OPTIONS + zurich.HDAWG_OPTIONS,
            required=False,
            of="devices",
        ),
        MapOption(
            "zsync",
            "ZSync port of the PQSC: instrument",
            0,
            zurich.ZSYNC_PORTS - 1,
            required=False,
            of_modules=True,
        ),
        TextOption("labone_version", "version of LabOne, in quotes: '25.04'", required=False),
    ),
    results=ResultTiming(
        shown_ns=zurich.RESULT_SHOWN_NS,
        shown_doubt_ns=zurich.RESULT_SHOWN_DOUBT_NS,
        level_ns=zurich.RESULT_LEVEL_NS,
        known_ns=zurich.TRIGGER_LATENCY_NS + zurich.TRIGGER_INPUT_PERIOD_NS,
        acts_ns=zurich.RESULT_ACTS_NS,
    ),
    modules=_ZURICH_DEVICES,
    modules_option="devices",
    place="dev",
    answers=("Zurich Instruments,data server",),
    connect="from zhinst.toolkit import Session; {name} = Session('{host}', {ports[data_server]})",
    connects="zhinst-toolkit",
    clients={
        "zhinst-core": "from zhinst.core import ziDAQServer; "
        "{name} = ziDAQServer('{host}', {ports[data_server]}, 6)",
    },
)
