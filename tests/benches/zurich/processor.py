"""A sequencer of Zurich Instruments that runs a text."""

import json

from tests.benches.referees.seqc_corpus import compile_seqc

from podium.firmware_interfaces.zurich import command_table
from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor, Setup

MODELS = {"SHFSG8": image.SHFSG, "SHFQC": image.SHFSG, "HDAWG8": image.HDAWG, "SHFQA4": image.SHFQA}


def processor(source: str, device: str = "SHFSG8", entries=None, **setup) -> Processor:
    family = command_table.HDAWG if device == "HDAWG8" else command_table.SHFSG
    table = None
    if entries is not None:
        text = json.dumps({"header": {"version": family.versions[0]}, "table": entries})
        table = command_table.parse_command_table(text, family)
    elf = compile_seqc(source, device).elf
    return Processor(image.make_image(elf, MODELS[device], table), Setup(**setup))
