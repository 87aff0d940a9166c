"""Nodes of the signal generator channels of SHFSG and SHFQC.

Ranges: SHFSG user manual, "Specifications" (output range -30 to 10 dBm in steps of 5 dB, centre
frequencies 0.6 to 8 GHz in steps of 100 MHz, trigger level +-10 V). See the note in
:mod:`~podium.firmware_interfaces.zurich.inventory.system` on what is written by hand.
"""

from podium.firmware_interfaces.zurich.inventory.sequencer import pipeliner, player

_CHANNEL = """
sgchannels/<sg>/busy                            int     ro
sgchannels/<sg>/centerfreq                      double  ro =1e9
sgchannels/<sg>/digitalmixer/centerfreq         double  rw =100e6 0:2e9:0.1e9!
sgchannels/<sg>/internal                        int     ro
sgchannels/<sg>/marker/source                   int     rw
sgchannels/<sg>/oscs/<8>/freq                   double  rw =10e6 -1e9:1e9
sgchannels/<sg>/output/delay                    double  rw 0:122e-9:0.5e-9
sgchannels/<sg>/output/filter                   int     ro
sgchannels/<sg>/output/muting/enable            int     rw 0:1
sgchannels/<sg>/output/on                       int     rw 0:1
sgchannels/<sg>/output/overrangecount           int     ro
sgchannels/<sg>/output/range                    double  rw =10.0 -30:10:5
sgchannels/<sg>/output/rflfpath                 int     rw =1
sgchannels/<sg>/sines/0/freq                    double  ro
sgchannels/<sg>/sines/0/harmonic                int     rw =1 1:1023
sgchannels/<sg>/sines/0/i/enable                int     rw 0:1
sgchannels/<sg>/sines/0/i/cos/amplitude         double  rw -1:1
sgchannels/<sg>/sines/0/i/sin/amplitude         double  rw -1:1
sgchannels/<sg>/sines/0/oscselect               int     rw 0:7
sgchannels/<sg>/sines/0/phaseshift              double  rw
sgchannels/<sg>/sines/0/q/enable                int     rw 0:1
sgchannels/<sg>/sines/0/q/cos/amplitude         double  rw -1:1
sgchannels/<sg>/sines/0/q/sin/amplitude         double  rw -1:1
sgchannels/<sg>/synchronization/enable          int     rw 0:1
sgchannels/<sg>/synthesizer                     int     rw
sgchannels/<sg>/trigger/delay                   double  rw 0:122e-9:0.5e-9
sgchannels/<sg>/trigger/imp50                   int     rw =1 0:1
sgchannels/<sg>/trigger/level                   double  rw =0.5 -10:10
sgchannels/<sg>/trigger/value                   int     ro
sgchannels/<sg>/awg/diozsyncswitch              int     rw
sgchannels/<sg>/awg/intfeedback/direct/offset   int     rw 0:31
sgchannels/<sg>/awg/intfeedback/direct/shift    int     rw 0:31
sgchannels/<sg>/awg/intfeedback/direct/mask     int     rw =255 0:65535
sgchannels/<sg>/awg/modulation/enable           int     rw 0:1
sgchannels/<sg>/awg/outputamplitude             double  rw =1.0 0:1
sgchannels/<sg>/awg/outputs/<2>/enables/<2>     int     rw =1 0:1
sgchannels/<sg>/awg/outputs/<2>/gains/<2>       double  rw -1:1
sgchannels/<sg>/awg/outputs/<2>/hold            int     rw 0:1
sgchannels/<sg>/awg/zsync/decoder/mask          int     rw =255 0:65535
sgchannels/<sg>/awg/zsync/decoder/offset        int     rw
sgchannels/<sg>/awg/zsync/decoder/shift         int     rw 0:31
sgchannels/<sg>/awg/zsync/register/mask         int     rw =255 0:65535
sgchannels/<sg>/awg/zsync/register/offset       int     rw
sgchannels/<sg>/awg/zsync/register/shift        int     rw 0:31
synthesizers/<sgsynth>/centerfreq               double  rw =1e9 0.6e9:8e9:0.2e9!
synthesizers/<sgsynth>/status                   int     ro
"""

TABLE = _CHANNEL + player("sgchannels/<sg>/awg") + pipeliner("sgchannels/<sg>")

ROUTER = """
sgchannels/<sg>/outputrouter/enable               int    rw 0:1
sgchannels/<sg>/outputrouter/overflowcount        int    ro
sgchannels/<sg>/outputrouter/routes/<3>/amplitude double rw =1.0 0:1
sgchannels/<sg>/outputrouter/routes/<3>/enable    int    rw 0:1
sgchannels/<sg>/outputrouter/routes/<3>/phase     double rw
sgchannels/<sg>/outputrouter/routes/<3>/source    int    rw 0:7
"""
"""Where option RTR is fitted."""
