"""The synthesizers of SHF instruments: with which phase they run.

Centre frequencies are multiples of 200 MHz (change logs 24.10), on which phases are reproducible,
from channel to channel and from one tuning to the next (LabOne Q 26.7.0, Apache-2.0,
``device_shf_base.py``). ASSUMED: each synthesizer has any phase at each frequency, always the same.
"""

from dataclasses import replace
from zlib import crc32

from podium.sim_instruments.twins.zurich.runs.participants import Participant


def carried(participant: Participant) -> Participant:
    """Return a sequencer with the phase of the synthesizer that carries its signals."""
    if not participant.synthesizer:
        return participant
    return replace(
        participant,
        turns=turns(participant.run.device, participant.synthesizer, participant.centre_hz),
    )


def turns(device: str, place: str, hz: float) -> float:
    """Return the phase that one has against the clock of all, in turns."""
    return crc32(f"{device} {place} {round(hz)}".encode()) / 2**32
