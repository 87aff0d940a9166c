"""The vendor's client sets a PQSC up so that one instrument does what another one measures.

Plain SeqC, compiled by the vendor's compiler in the vendor's toolkit, on four twins before a chip:
the analyzer writes its results into the PQSC's register bank, which forwards them to two signal
generators. When a result is there, the vendor's model says; what comes out is held against a Monte
Carlo of its own.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
from tests.benches.referees.reset_monte_carlo import expected, flipped, near
from tests.benches.referees.zurich_on_a_chip import DRIVE_HZ, READOUT_HZ
from tests.benches.thoroughness import cases, sampled
from tests.benches.zurich import feedback_client as alone
from tests.benches.zurich.feedback_client import (
    DELAY,
    LATENCY,
    PATIENCE_S,
    PERIOD,
    PI,
    QA_HZ,
    READ_GAIN,
    SAMPLES,
    SECOND,
    SG_HZ,
    START,
)
from zhinst.timing_models import (
    PQSCMode,
    QAType,
    QCCSFeedbackModel,
    SGType,
    TriggerSource,
    get_feedback_system_description,
)
from zhinst.toolkit import CommandTable, Session, SHFQAChannelMode, Waveforms

REGISTER = 19
HOLDOFF_S = PERIOD / 2e9
READ = f"""
repeat ({{shots}}) {{{{
  waitZSyncTrigger();
  playZero({START}); playZero({SECOND - START});
  startQA(QA_GEN_0 | QA_GEN_1, QA_INT_0 | QA_INT_1, true, {REGISTER}, 0);
  playZero(4096);
  startQA(QA_GEN_0 | QA_GEN_1, QA_INT_0 | QA_INT_1, true, {REGISTER}, 0);
}}}}
"""
DRIVE = """
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
configureFeedbackProcessing({source}, {shift}, 1, 0);
repeat ({shots}) {{
  waitZSyncTrigger();
  playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero({wait});
  executeTableEntry({source}, {latency});
}}
"""
MODES = {"registers": PQSCMode.REGISTER_FORWARD, "decoder": PQSCMode.DECODER}


@pytest.fixture(scope="module")
def rack():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, alone.SCRIPT, "rack"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        session = Session("127.0.0.1", int(process.stdout.readline()))
        made = Rack(session)
        yield made
        process.stdin.close()


class Rack:
    """The instruments as a lab sets them up, and the discriminator that it finds."""

    def __init__(self, session) -> None:
        names = {"pqsc": "dev10001", "qa": "dev12001", "q0": "dev12002", "q1": "dev12003"}
        for role, name in names.items():
            setattr(self, role, session.connect_device(name))
        self.drives = (self.q0.sgchannels[0], self.q1.sgchannels[0])
        for device in (self.qa, self.q0, self.q1):
            device.system.clocks.referenceclock.in_.source("zsync")
        assert self.pqsc.check_zsync_connection([0, 1, 2]) == [True, True, True]
        qa = self.qa.qachannels[0]
        qa.configure_channel(
            input_range=-30, output_range=-30, center_frequency=QA_HZ, mode=SHFQAChannelMode.READOUT
        )
        qa.input.on(1)
        qa.output.on(1)
        tones = Waveforms()
        each = np.arange(SAMPLES) / 2e9
        for slot, hz in enumerate(READOUT_HZ):
            tones[slot] = READ_GAIN * np.exp(2j * np.pi * (hz - QA_HZ) * each)
        qa.generator.write_to_waveform_memory(tones)
        for channel, hz in zip(self.drives, DRIVE_HZ, strict=True):
            channel.configure_channel(
                enable=True, output_range=5, center_frequency=SG_HZ, rf_path=True
            )
            channel.configure_pulse_modulation(enable=True, osc_index=0, osc_frequency=hz - SG_HZ)
            channel.awg.diozsyncswitch("zsync")
        self.angles, self.thresholds = [0.0, 0.0], [0.0, 0.0]
        self.listen()
        self.half = [self.calibrate(n) for n in range(2)]
        for port in (1, 2):
            self.forwards(port, {})

    def listen(self) -> None:
        weights = Waveforms()
        each = np.arange(SAMPLES) / 2e9
        for n, (hz, angle) in enumerate(zip(READOUT_HZ, self.angles, strict=True)):
            weights[n] = np.exp(-2j * np.pi * (hz - QA_HZ) * each - 1j * angle)
        readout = self.qa.qachannels[0].readout
        readout.write_integration_weights(
            weights, integration_delay=DELAY / 2e9, integration_length=SAMPLES
        )
        for n, threshold in enumerate(self.thresholds):
            readout.discriminators[n].threshold(threshold)

    def calibrate(self, n) -> float:
        """Set rotation and threshold by two prepared states; return distance over twice sigma."""
        means, spread = [], 0.0
        for first in (0.0, PI[n]):
            points = self.play(300, "result_of_integration", (n, 0.0, first))[n, :, 0]
            means.append(np.median(points.real) + 1j * np.median(points.imag))
            spread = np.median(np.abs(points.imag - means[-1].imag)) / 0.6745
        angle = float(np.angle(means[1] - means[0]))
        self.angles[n] += angle
        middle = (means[0] + means[1]) / 2 * np.exp(-1j * angle)
        self.thresholds[n] = float(middle.real)
        self.listen()
        return abs(means[1] - means[0]) / (2 * spread)

    def forwards(self, port, sources, register=REGISTER) -> None:
        """Set what goes to a port: position in the message, index in the register."""
        output = self.pqsc.zsyncs[port].output
        output.enable(bool(sources))
        output.source(0)
        for position in range(8):
            source = output.registerbank.sources[position]
            source.enable(position in sources)
            if position in sources:
                source.register(register)
                source.index(sources[position])

    def play(
        self, shots, what, *drives, latency=LATENCY, shift=0, source="ZSYNC_DATA_PROCESSED_A",
        holdoff_s=HOLDOFF_S,
    ):  # fmt: skip
        """Run; return results of both integrators, shape (2, shots, 2 readings).

        ``drives``: (qubit, amplitude of the pulse chosen at 1, of the first pulse).
        """
        qa = self.qa.qachannels[0]
        qa.generator.load_sequencer_program(READ.format(shots=shots))
        qa.readout.configure_result_logger(result_source=what, result_length=2 * shots)
        wait = 8 * (latency + 3) - 112 - 80
        for number, chosen, first in drives:
            awg = self.drives[number].awg
            awg.load_sequencer_program(
                DRIVE.format(shots=shots, shift=shift, latency=latency, wait=wait, source=source)
            )
            table = CommandTable(awg.commandtable.load_validation_schema())
            table.table[0].waveform.playZero = True
            table.table[0].waveform.length = 80
            for index, amplitude in ((1, chosen), (2, first)):
                entry = table.table[index]
                entry.waveform.index = 0
                for which, sign in ((0, 1), (1, -1), (2, 1), (3, 1)):
                    value = sign * amplitude
                    getattr(entry, f"amplitude{which >> 1}{which & 1}").value = value
            awg.commandtable.upload_to_device(table, check_upload=True)
        qa.readout.run()
        used = [self.drives[number].awg for number, *_ in drives]
        for awg in (*used, qa.generator):
            awg.enable_sequencer(single=True)
        self.pqsc.arm_and_run(repetitions=shots, holdoff=holdoff_s)
        for awg in (*used, qa.generator):
            awg.wait_done(timeout=PATIENCE_S)
        self.pqsc.wait_done(timeout=PATIENCE_S)
        results = qa.readout.read(timeout=PATIENCE_S)
        return np.array([results[n].reshape(shots, 2) for n in range(2)])


def first_cycles(mode) -> int:
    """Return how long the first result of a shot takes, by the vendor's model."""
    model = QCCSFeedbackModel(
        get_feedback_system_description(
            SGType.SHFSG, QAType.SHFQA, mode, trigger_source=TriggerSource.ZSYNC
        )
    )
    return int(model.get_latency(START + DELAY + SAMPLES))


@pytest.mark.slow
def test_active_reset_by_another_instrument(rack):
    shots = 1500
    assert rack.half[0] > 2
    rack.forwards(1, {0: 0})
    found = rack.play(shots, "result_of_discrimination", (0, PI[0], PI[0] / 2))[0].real
    first, second = found[:, 0], found[:, 1]
    bit, again = expected(
        rack.half[0], shots, flipped, lambda level, bit: np.where(bit, 1 - level, level)
    )
    assert near(first.sum(), bit.sum(), shots)
    assert near(second.sum(), again.sum(), shots)
    assert second.mean() < 0.2 * first.mean(), "the qubit was reset"


@pytest.mark.parametrize(
    "why",
    sampled(["off", "another register", "the analyzer's hold-off is over"], kept=["off"]),
)
def test_what_the_pqsc_does_not_forward_resets_nothing(rack, why):
    shots = 300
    rack.forwards(1, {} if why == "off" else {0: 0}, 3 if why == "another register" else REGISTER)
    if why.startswith("the analyzer"):
        # It listens from its one trigger on for as long as the hold-off: a short one.
        shots = 1
    found = [
        rack.play(
            shots, "result_of_discrimination", (0, PI[0], PI[0] / 2),
            holdoff_s=1e-6 if shots == 1 else HOLDOFF_S,
        )[0].real
        for _ in range(40 if shots == 1 else 1)
    ]  # fmt: skip
    first, second = np.concatenate(found).T
    assert 0.25 < first.mean() < 0.75
    assert np.mean(first == second) > 0.8, "a level that was read stays"


@pytest.mark.slow
def test_a_gate_on_another_instrument_depends_on_the_result(rack):
    """q1 is flipped where q0 was read 1; in the message q0's couple comes second."""
    shots = 500
    rack.forwards(1, {0: 0})
    rack.forwards(2, {0: 1, 1: 0})
    found = rack.play(
        shots, "result_of_discrimination", (0, 0.0, PI[0] / 2), (1, PI[1], 0.0), shift=2
    ).real
    cause, before, effect = found[0, :, 0], found[1, :, 0], found[1, :, 1]
    assert 0.4 < cause.mean() < 0.6
    assert effect[(cause == 1) & (before == 0)].mean() > 0.85
    assert effect[(cause == 0) & (before == 0)].mean() < 0.12


@pytest.mark.parametrize("mode", sampled(MODES, kept=["registers"]))
def test_a_result_is_there_when_the_vendors_model_says_and_no_earlier(rack, mode):
    there = first_cycles(MODES[mode])
    shots = cases(150, 300)
    rack.forwards(1, {0: 0})
    if mode == "decoder":
        table = np.zeros(2**16, np.uint32)
        table[[1, 3]] = 1
        rack.pqsc.feedback.decoder.lut.tables[5](table)
        for k in range(16):
            rack.pqsc.feedback.decoder.lut.sources[k].register(REGISTER if k < 2 else 0)
            rack.pqsc.feedback.decoder.lut.sources[k].index(2 * k if k < 2 else 0)
        output = rack.pqsc.zsyncs[1].output
        output.decoder.source(5)
        output.source(1)
    # The entry begins on the grid of 16 samples.
    times = [there + (there + 3) % 2, there - 1 - (there + 2) % 2]
    assert times[1] in (there - 1, there - 2)
    timely, early = (
        rack.play(
            shots, "result_of_discrimination", (0, PI[0], PI[0] / 2), latency=latency
        )[0].real
        for latency in times
    )  # fmt: skip
    assert timely[:, 1].mean() < 0.15
    # All that has come by then is the shot's trigger, whose message is 0.
    assert np.mean(early[:, 0] == early[:, 1]) > 0.85, "a level that was read stays"
    assert early[:, 1].mean() > 0.3
