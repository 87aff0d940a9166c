"""Limits and time grids of the waveform generators of Zurich Instruments.

Sources: SG, QA and HDAWG pages of the user manuals at docs.zhinst.com where named; what the
compiler of zhinst-core 26.7.2.5 says of a program; zhinst-toolkit 1.4.0's schemas of command
tables; LabOne Q 26.7.0 (Apache-2.0). What none of them says is ASSUMED.
"""

SHF_RATE_HZ = 2_000_000_000
HDAWG_RATE_HZ = 2_400_000_000
GRANULARITY = 16
"""Lengths of waveforms and of playZero, samples (compile_seqc extends others with a warning)."""
WAVE_MIN = 32
"""Shortest waveform and shortest playZero, samples (compile_seqc extends shorter ones)."""
PLAY_MAX = 2**30
"""Longest playZero and playHold written as one instruction, samples. compile_seqc takes up to
2^32 and turns longer ones into short ones without a word; this keeps well away."""
TABLE_PLAY_MAX = 2**20 - 16
"""Longest playZero of a command table entry, samples. ASSUMED: the field of 20 bits that the
playZero instruction itself has; the schemas name no limit."""
SHFSG_TABLE_ENTRIES = 4096
HDAWG_TABLE_ENTRIES = 1024
SHFSG_WAVE_SAMPLES = 98_304
"""Of one channel, complex: what compile_seqc reports as its share of the memory."""
SHFSG_WAVE_PAGE = 1024
"""Samples. A longer waveform takes whole pages of that memory, a shorter one lies within one: in
the order of their indices, none goes back into a page that has been left. So compile_seqc counts
(60 tables of up to 400 lengths drawn at random: each was refused from the very waveform on)."""
HDAWG_WAVE_SAMPLES = 64_000_000
"""Of one channel (HDAWG user manual)."""
SEQUENCER_INSTRUCTIONS = {"sg": 32_768, "qa": 16_384, "hdawg": 16_384}
"""By kind of core; compile_seqc says so when it refuses a longer program."""
WAVE_WORD_MAX = 32_767
"""Samples are signed 16-bit words on the wire, 32767 is 1 (zhinst-utils convert_awg_waveform)."""
SINE_WORDS = 2**48
"""Steps of an oscillator's frequency for one turn a sample: compile_seqc writes configFreqSweep in
such words, cut off towards zero."""
OSCILLATORS = 8
"""Of one signal-generator channel."""
TABLE_AMPLITUDE_STEPS = 2**17
"""Steps of 1 of a command table's amplitude. ASSUMED: 18 bits with the sign; LabOne Q rounds to
2^-18 to find equal entries, and the schemas give no resolution."""
TABLE_PHASE_STEPS = 2**23
"""Steps of a turn of a command table's phase: ``setSinePhase(90)`` compiles to a quarter of it.
That command tables have no more is ASSUMED."""
BAND_HZ = 500_000_000
"""Farthest that a signal lies from its local oscillator (SHFSG, SHFQA: bandwidth of 1 GHz)."""
LO_STEP_HZ = 200_000_000
"""Spacing of the centre frequencies of RF channels (SHFQC and SHFQA change logs, 24.10)."""
READOUT_SLOTS = 8
"""Readout waveforms, and integrators, of one quantum analyzer channel (SHFQA manual)..."""
READOUT_SLOTS_16W = 16
"""... and where the option 16W is fitted."""
READOUT_OSCILLATORS = 6
"""Of one quantum analyzer channel with the option LRT (LabOne Q 26.7.0, ``qachannel.py``); one
without it. Each modulates the waveform and the weights of its own number: LabOne Q, compiling for
an SHFQC with LRT, takes oscillator k for slot k, and one waveform for a line."""
READOUT_SAMPLES = 4096
"""Of one readout waveform and of one set of integration weights (SHFQA manual)."""
INTEGRATION_STEP = 4
"""Samples: the integration delay goes in steps of 2 ns (node documentation), its length as well
(SHFQA manual)."""
LOGGER_RESULTS = 2**19
"""Longest vector of the result logger (node documentation: result length)."""
LOGGER_AVERAGES = 2**17
"""Most averages of the result logger (LabOne Q 26.7.0)."""
INTERNAL_TRIGGER = 8
"""``auxtriggers/0/channel``: the trigger that the instrument itself gives, with
``system/internaltrigger`` (node documentation). Signal generators take none from software."""
SOFTWARE_TRIGGER = 1024
"""The same: the trigger of ``system/swtriggers/0/single`` (node documentation)."""
