"""Nodes of the HDAWG.

Ranges: HDAWG user manual, "Specifications" and node tree (output ranges 0.2 to 5 V, trigger level
+-5 V, sampling clock 100 MHz to 2.4 GHz). See the note in
:mod:`~podium.firmware_interfaces.zurich.inventory.system` on what is written by hand.
"""

from podium.firmware_interfaces.zurich.inventory.sequencer import pipeliner, player

_OUTPUTS = """
oscs/<hdosc>/freq                                        double rw =10e6 -1.2e9:1.2e9
oscs/<hdosc>/freqawg                                     double ro
sigouts/<wave>/busy                                      int    ro
sigouts/<wave>/delay                                     double rw 0:26e-9
sigouts/<wave>/direct                                    int    rw
sigouts/<wave>/filter                                    int    rw 0:1
sigouts/<wave>/max                                       double ro
sigouts/<wave>/min                                       double ro
sigouts/<wave>/offset                                    double rw -1.25:1.25
sigouts/<wave>/on                                        int    rw 0:1
sigouts/<wave>/over                                      int    ro
sigouts/<wave>/range                                     double rw =1.0 {0.2,0.4,0.6,0.8,1,2,3,4,5}
sines/<wave>/amplitudes/<2>                              double rw
sines/<wave>/enables/<2>                                 int    rw 0:1
sines/<wave>/freq                                        double ro
sines/<wave>/harmonic                                    int    rw =1 1:1023
sines/<wave>/oscselect                                   int    rw 0:15
sines/<wave>/phaseshift                                  double rw
triggers/in/<wave>/imp50                                 int    rw 0:1
triggers/in/<wave>/level                                 double rw =0.5 -5:5
triggers/in/<wave>/value                                 int    ro
triggers/out/<wave>/delay                                double rw 0:26e-9
triggers/out/<wave>/source                               int    rw
triggers/streams/0/enable                                int    rw 0:1
triggers/streams/0/holdofftime                           double rw
triggers/streams/0/mask                                  int    rw 0:4294967295
triggers/streams/0/sample                                dio    st
cnts/<awg>/enable                                        int    rw 0:1
cnts/<awg>/gateselect                                    int    rw
cnts/<awg>/inputselect                                   int    rw
cnts/<awg>/integrate                                     int    rw 0:1
cnts/<awg>/mode                                          int    rw
cnts/<awg>/operation                                     int    rw
cnts/<awg>/period                                        double rw =0.1
cnts/<awg>/sample                                        count  st
cnts/<awg>/trigfalling                                   int    rw 0:1
cnts/<awg>/trigrising                                    int    rw =1 0:1
cnts/<awg>/value                                         int    ro
"""

_AWG = """
awgs/<awg>/dio/delay/index                               int    rw
awgs/<awg>/dio/delay/value                               int    rw
awgs/<awg>/dio/snapshot                                  int    ro
awgs/<awg>/outputs/<2>/amplitude                         double rw =1.0 -1:1
awgs/<awg>/outputs/<2>/enables/<2>                       int    ro =1
awgs/<awg>/outputs/<2>/gains/<2>                         double rw =1.0 -1:1
awgs/<awg>/outputs/<2>/hold                              int    rw 0:1
awgs/<awg>/outputs/<2>/modulation/mode                   int    rw
awgs/<awg>/outputs/<2>/modulation/carriers/<4>/freq      double ro
awgs/<awg>/outputs/<2>/modulation/carriers/<4>/harmonic  int    rw =1 1:1023
awgs/<awg>/outputs/<2>/modulation/carriers/<4>/oscselect int    rw 0:15
awgs/<awg>/outputs/<2>/modulation/carriers/<4>/phaseshift double rw
awgs/<awg>/synchronization/enable                        int    rw 0:1
awgs/<awg>/triggers/0/channel                            int    rw
awgs/<awg>/zsync/decoder/mask                            int    rw =255 0:65535
awgs/<awg>/zsync/decoder/offset                          int    rw
awgs/<awg>/zsync/decoder/shift                           int    rw 0:31
awgs/<awg>/zsync/register/mask                           int    rw =255 0:65535
awgs/<awg>/zsync/register/offset                         int    rw
awgs/<awg>/zsync/register/shift                          int    rw 0:31
raw/awgs/<awg>/elf/data                                  elf    wo
"""

_CLOCKS = """
raw/system/awg/fifoplay                                  int    ro =1
system/awg/channelgrouping                               int    rw 0:2
system/awg/oscillatorcontrol                             int    rw
system/clocks/referenceclock/freq                        double ro =10e6
system/clocks/referenceclock/source                      int    rw
system/clocks/referenceclock/status                      int    ro
system/clocks/sampleclock/freq                           double rw =2.4e9 100e6:2.4e9
system/clocks/sampleclock/outputenable                   int    rw 0:1
system/clocks/sampleclock/status                         int    ro
system/jumbo                                             int    rw 0:1
system/properties/maxfreq                                double ro =1.2e9
system/properties/minfreq                                double ro =-1.2e9
system/properties/negativefreq                           int    ro =1
system/slaverevision                                     int    ro =71073
system/synchronization/source                            int    rw
system/triggerdelays/automatic                           int    rw =1
stats/physical/slavefpgas/<2>/temp                       double ro =45.0
stats/physical/power/temperatures/<2>                    double ro =40.0
"""

_FILTERS = """
sigouts/<wave>/precompensation/bounces/0/amplitude       double rw -1:1
sigouts/<wave>/precompensation/bounces/0/delay           double rw =5e-9
sigouts/<wave>/precompensation/bounces/0/enable          int    rw 0:1
sigouts/<wave>/precompensation/bounces/0/status          int    ro
sigouts/<wave>/precompensation/enable                    int    rw 0:1
sigouts/<wave>/precompensation/exponentials/<8>/amplitude    double rw
sigouts/<wave>/precompensation/exponentials/<8>/enable       int    rw 0:1
sigouts/<wave>/precompensation/exponentials/<8>/status       int    ro
sigouts/<wave>/precompensation/exponentials/<8>/timeconstant double rw =1e-6
sigouts/<wave>/precompensation/fir/coefficients          f64    rw
sigouts/<wave>/precompensation/fir/enable                int    rw 0:1
sigouts/<wave>/precompensation/fir/status                int    ro
sigouts/<wave>/precompensation/highpass/0/clearing/slope int    rw
sigouts/<wave>/precompensation/highpass/0/enable         int    rw 0:1
sigouts/<wave>/precompensation/highpass/0/status         int    ro
sigouts/<wave>/precompensation/highpass/0/timeconstant   double rw =1e-6
sigouts/<wave>/precompensation/latency                   double ro
sigouts/<wave>/precompensation/status/reset              int    do 0:1
"""

NO_FILTERS = _OUTPUTS + _AWG + _CLOCKS + player("awgs/<awg>") + pipeliner("awgs/<awg>")
"""Without the option PC."""
TABLE = NO_FILTERS + _FILTERS
