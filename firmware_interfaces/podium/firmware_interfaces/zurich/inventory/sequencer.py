"""Nodes of a sequencer: program, waveforms, command table, triggers, registers.

``{at}`` is where it stands: ``sgchannels/<sg>/awg`` or ``awgs/<awg>``. See the note in
:mod:`~podium.firmware_interfaces.zurich.inventory.system` on what is written by hand.
"""

WAVES = 16_000
"""Waveforms that a program may have (SHFSG and HDAWG user manuals, command table index)."""

_COMMON = """
{at}/elf/checksum            int    ro
{at}/elf/data                elf    wo
{at}/elf/length              int    ro
{at}/elf/name                string ro
{at}/elf/progress            double ro
{at}/enable                  int    do 0:1
{at}/ready                   int    ro
{at}/reset                   int    do 0:1
{at}/sequencer/assembly      string ro
{at}/sequencer/memoryusage   double ro
{at}/sequencer/program       string ro
{at}/sequencer/status        int    ro
{at}/sequencer/triggered     int    ro
{at}/single                  int    rw 0:1
{at}/auxtriggers/<2>/channel int    rw
{at}/userregs/<16>           int    do 0:4294967295
{at}/dio/error/timing        int    ro
{at}/dio/error/width         int    ro
{at}/dio/highbits            int    ro
{at}/dio/lowbits             int    ro
{at}/dio/state               int    rw 0:1
{at}/dio/strobe/index        int    rw 0:31
{at}/dio/strobe/slope        int    rw
{at}/dio/strobe/width        int    rw
{at}/dio/valid/index         int    rw 0:31
{at}/dio/valid/polarity      int    rw
{at}/dio/valid/width         int    rw
{at}/rtlogger/clear          int    do 0:1
{at}/rtlogger/data           vector ro
{at}/rtlogger/enable         int    do 0:1
{at}/rtlogger/mode           int    rw
{at}/rtlogger/starttimestamp int    rw
{at}/rtlogger/status         int    ro
{at}/rtlogger/timebase       double ro =4e-9
"""

_GENERATOR = """
{at}/auxtriggers/<2>/slope      int    rw
{at}/auxtriggers/<2>/state      int    ro
{at}/commandtable/clear         int    do 0:1
{at}/commandtable/data          text   do
{at}/commandtable/schema        text   ro
{at}/commandtable/status        int    ro
{at}/dio/data                   vector ro
{at}/dio/mask/shift             int    rw 0:31
{at}/dio/mask/value             int    rw 0:1023
{at}/elf/memoryusage            double ro
{at}/rtlogger/input             int    rw
{at}/sequencer/pc               int    ro
{at}/sweep/awgtrigs/<4>         double rw
{at}/time                       int    rw 0:13
{at}/waveform/descriptors       string ro
{at}/waveform/memoryusage       double ro
{at}/waveform/playing           int    ro
{at}/waveform/waves/<16000>!    vector do
"""

PIPELINER = """
{at}/pipeliner/availableslots         int ro =1024
{at}/pipeliner/commit                 int do 0:1
{at}/pipeliner/enable                 int do 0:1
{at}/pipeliner/idcurrent              int ro
{at}/pipeliner/idrunning              int ro
{at}/pipeliner/maxslots               int ro =1024
{at}/pipeliner/mode                   int rw
{at}/pipeliner/ready                  int ro =1
{at}/pipeliner/repetitions/remaining  int ro =1
{at}/pipeliner/repetitions/value      int rw =1 1:4000000
{at}/pipeliner/reset                  int do 0:1
{at}/pipeliner/status                 int ro
{at}/pipeliner/timeout                int rw
"""


def player(at: str) -> str:
    """Return the table of a sequencer that plays waveforms."""
    return (_COMMON + _GENERATOR).replace("{at}", at)


def readout(at: str) -> str:
    """Return the table of a sequencer that starts readouts."""
    return _COMMON.replace("{at}", at)


def pipeliner(at: str) -> str:
    """Return the table of a queue of programs, which stands beside the sequencer."""
    return PIPELINER.replace("{at}", at)
