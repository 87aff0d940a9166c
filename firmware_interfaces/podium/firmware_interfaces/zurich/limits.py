"""Limits of what a facility file may say of a data server and its instruments."""

TCP_PORT = 8004
"""The data server's usual port."""
SERIAL_MAX = 99_999
"""Serial numbers have up to five digits: ``dev12000``."""
DEVICE_MODELS = ("SHFQC", "SHFSG4", "SHFSG8", "SHFQA2", "SHFQA4", "HDAWG4", "HDAWG8", "PQSC")
"""What ``features/devtype`` says of the instruments that there are nodes of here."""
MORE_SLOTS, LONG_READOUT = "16W", "LRT"
ANALYSER_OPTIONS = (MORE_SLOTS, LONG_READOUT, f"{MORE_SLOTS} {LONG_READOUT}")
PRECOMPENSATION = "PC"
"""Of an HDAWG: filters at its outputs."""
HDAWG_OPTIONS = ("MF", PRECOMPENSATION, f"MF {PRECOMPENSATION}")
"""Options of quantum analyzers, of an SHFQC's too, that a compiler must know of: 16 instead of 8
readout waveforms and integrators in a channel; and readouts that ride on oscillators."""
LO_MIN_HZ = 1_000_000_000
LO_MAX_HZ = 8_000_000_000
"""Centre frequencies of RF channels. ASSUMED: what LabOne Q and the manuals use; the node
documentation names no range."""
LO_STEP_HZ = 200_000_000
"""Between centre frequencies, since LabOne 24.10 (change logs of SHFQC and SHFQA); LabOne Q 26.7.0
refuses what lies between two."""
BAND_HZ = 500_000_000
"""How far from a centre frequency a signal may lie (SHFSG manual)."""
OUTPUT_RANGE_MIN_DBM, OUTPUT_RANGE_MAX_DBM = -30, 10
INPUT_RANGE_MIN_DBM, INPUT_RANGE_MAX_DBM = -50, 10
HDAWG_RANGES_V = (0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Ranges of an HDAWG's outputs, from peak to peak into 50 ohms (user manual)."""
ZSYNC_PORTS = 18
"""Of a PQSC."""
PQSC = "PQSC"
"""The model to whose ZSync ports the others are connected."""
PQSC_TRIGGER_INPUTS = 2
"""(Node documentation, ``execution/trigger``.)"""
RANGE_STEP_DB = 5
"""Ranges of SHFSG, SHFQA and SHFQC: the power of a tone at full scale (user manuals)."""
TRIGGER_INPUT_PERIOD_NS = 4
"""A trigger input is sampled so often. ASSUMED: on the cycles of the sequencers, 250 MHz (the
real-time logger's time base in the node documentation)."""
OUTPUT_DELAY_MAX_S = 26e-9
"""Of an HDAWG's ``sigouts/N/delay`` (user manual): 62 samples at 2.4 GSa/s, as many as
zhinst-timing-models 26.7.0 has (``HDAWGChannelModel``). ASSUMED: it goes in whole samples, and
other values are moved to the nearest."""
TRIGGER_LATENCY_NS = 52
"""From the sample that sees an edge to the sequencers going on. ASSUMED: constant, and as long as
zhinst-timing-models 26.7.0 has it from an SG channel's internal trigger to its output; what it is
on a real instrument is measured with its skew."""
LOST_LOCK = "The reference clock was lost"
"""What an instrument writes to its error log then. ASSUMED: that it does, and the words."""
RESULT_SHOWN_NS = 320
"""From the end of a window to a generator's marker that shows its result: by then it is known in
any case that is not refused (zhinst-timing-models 26.7.0, within an SHFQC)."""
RESULT_SHOWN_DOUBT_NS = 4
"""A sequencer sets its trigger on cycles of so much."""
RESULT_ACTS_NS = 100
"""From a level being there to what depends on it: 84 ns for the reading, and twice 8 ns of the grid
on which silences and waveforms begin."""
RESULT_LEVEL_NS = 200
"""So long a marker is up whose level a generator reads. ASSUMED: longer than starts, cables and
inputs leave open to both sides, and shorter than the 252 ns between two results of a cluster."""
REGISTERS_OF_AN_INSTRUMENT = 4
"""Of the 32 registers of a PQSC's bank: as many for each of the eight ports that take results as an
analyser has channels."""
FORWARDED_RESULTS = 8
"""To each port of a PQSC in one message (PQSC user manual, "Feedback")."""
RESULT_PORTS = 8
"""Ports of a PQSC that take results, the first ones (PQSC user manual)."""
