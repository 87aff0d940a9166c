"""Nodes of the quantum analyser channels of SHFQA and SHFQC, and of their scope.

Ranges: SHFQA user manual, "Specifications" and node tree (output -30 to 10 dBm, input -50 to
10 dBm, both in steps of 5 dB; integration of 4 to 4,096 samples; 2^19 results, averaged up to 2^17
times; scope of 2^18 samples). See the note in
:mod:`~podium.firmware_interfaces.zurich.inventory.system` on what is written by hand.
"""

from podium.firmware_interfaces.zurich.inventory.sequencer import pipeliner, readout

_CHANNEL = """
qachannels/<qa>/busy                                        int    ro
qachannels/<qa>/centerfreq                                  double rw =1e9 0.6e9:8e9:0.2e9!
qachannels/<qa>/generator/clearwave                         int    do 0:1
qachannels/<qa>/generator/delay                             double rw 0:131e-6:2e-9
qachannels/<qa>/generator/waveforms/<units>/length          int    ro
qachannels/<qa>/generator/waveforms/<units>/wave            c128   do
qachannels/<qa>/input/adcoverrangecount                     int    ro
qachannels/<qa>/input/digitalmixer/centerfreq               double rw =100e6 0:2e9:0.1e9!
qachannels/<qa>/input/on                                    int    rw 0:1
qachannels/<qa>/input/overrangecount                        int    ro
qachannels/<qa>/input/range                                 double rw =10.0 -50:10:5
qachannels/<qa>/input/rflfpath                              int    rw =1
qachannels/<qa>/markers/<4>/source                          int    rw
qachannels/<qa>/mode                                        int    rw
qachannels/<qa>/oscs/<qaosc>/freq                           double rw =10e6 -1e9:1e9
qachannels/<qa>/oscs/<qaosc>/gain                           double rw =1.0 0:1
qachannels/<qa>/output/delay                                double rw 0:122e-9:0.5e-9
qachannels/<qa>/output/digitalmixer/centerfreq              double rw =100e6 0:2e9:0.1e9!
qachannels/<qa>/output/filter                               int    ro
qachannels/<qa>/output/muting/enable                        int    rw 0:1
qachannels/<qa>/output/on                                   int    rw 0:1
qachannels/<qa>/output/overrangecount                       int    ro
qachannels/<qa>/output/range                                double rw =10.0 -30:10:5
qachannels/<qa>/output/rflfinterlock                        int    rw 0:1
qachannels/<qa>/output/rflfpath                             int    rw =1
qachannels/<qa>/readout/discriminators/<units>/threshold    double rw
qachannels/<qa>/readout/integration/clearweight             int    do 0:1
qachannels/<qa>/readout/integration/delay                   double rw 0:131e-6:2e-9
qachannels/<qa>/readout/integration/length                  int    rw =128 4:4096:4
qachannels/<qa>/readout/integration/weights/<units>/wave    c128   do
qachannels/<qa>/readout/multistate/clear                    int    do 0:1
qachannels/<qa>/readout/multistate/dio/bits/<16>/source     int    rw
qachannels/<qa>/readout/multistate/dio/packed               int    rw 0:1
qachannels/<qa>/readout/multistate/enable                   int    rw 0:1
qachannels/<qa>/readout/multistate/integratorcount          int    ro
qachannels/<qa>/readout/multistate/integratorusage          double ro
qachannels/<qa>/readout/multistate/qudits/<qudits>/assignmentvec         unsigned do
qachannels/<qa>/readout/multistate/qudits/<qudits>/available             int    ro =1
qachannels/<qa>/readout/multistate/qudits/<qudits>/enable                int    rw 0:1
qachannels/<qa>/readout/multistate/qudits/<qudits>/integrator/indexvec   u32    ro
qachannels/<qa>/readout/multistate/qudits/<qudits>/integrator/startindex int    ro
qachannels/<qa>/readout/multistate/qudits/<qudits>/numstates             int    rw =2 2:4
qachannels/<qa>/readout/multistate/qudits/<qudits>/thresholds/<6>/value  double rw
qachannels/<qa>/readout/multistate/qudits/<qudits>/weights/<3>/wave      c128   do
qachannels/<qa>/readout/multistate/valid                    int    ro =1
qachannels/<qa>/readout/multistate/zsync/bits/<16>/source   int    rw
qachannels/<qa>/readout/multistate/zsync/packed             int    rw 0:1
qachannels/<qa>/readout/result/acquired                     int    ro
qachannels/<qa>/readout/result/averages                     int    rw =1 1:131072
qachannels/<qa>/readout/result/data/<units>/wave            vector ro
qachannels/<qa>/readout/result/enable                       int    do 0:1
qachannels/<qa>/readout/result/error/clear                  int    do 0:1
qachannels/<qa>/readout/result/error/count                  int    ro
qachannels/<qa>/readout/result/error/jobidx                 int    ro
qachannels/<qa>/readout/result/length                       int    rw =1 1:524288
qachannels/<qa>/readout/result/mode                         int    rw
qachannels/<qa>/readout/result/overdio                      int    ro
qachannels/<qa>/readout/result/source                       int    rw =1
qachannels/<qa>/spectroscopy/delay                          double rw 0:131e-6:2e-9
qachannels/<qa>/spectroscopy/envelope/delay                 double rw 0:131e-6:2e-9
qachannels/<qa>/spectroscopy/envelope/enable                int    rw 0:1
qachannels/<qa>/spectroscopy/envelope/length                int    ro
qachannels/<qa>/spectroscopy/envelope/wave                  c128   do
qachannels/<qa>/spectroscopy/length                         int    rw =128 4:33554432:4
qachannels/<qa>/spectroscopy/psd/enable                     int    rw 0:1
qachannels/<qa>/spectroscopy/psd/error/clear                int    do 0:1
qachannels/<qa>/spectroscopy/psd/error/overflow             int    ro
qachannels/<qa>/spectroscopy/result/acquired                int    ro
qachannels/<qa>/spectroscopy/result/averages                int    rw =1 1:131072
qachannels/<qa>/spectroscopy/result/data/wave               vector ro
qachannels/<qa>/spectroscopy/result/enable                  int    do 0:1
qachannels/<qa>/spectroscopy/result/error/clear             int    do 0:1
qachannels/<qa>/spectroscopy/result/error/count             int    ro
qachannels/<qa>/spectroscopy/result/error/jobidx            int    ro
qachannels/<qa>/spectroscopy/result/length                  int    rw =1 1:131072
qachannels/<qa>/spectroscopy/result/mode                    int    rw
qachannels/<qa>/spectroscopy/trigger/channel                int    rw
qachannels/<qa>/synchronization/enable                      int    rw 0:1
qachannels/<qa>/triggers/<2>/imp50                          int    rw =1 0:1
qachannels/<qa>/triggers/<2>/level                          double rw =0.5 -5:5
qachannels/<qa>/triggers/<2>/value                          int    ro
raw/qachannels/<qa>/reslog/dataprocessing/mode              int    rw
"""

LOOPBACK = """
raw/markers/<qatrig>/frequency    double rw =1e3 1:1e6
raw/markers/<qatrig>/testsource   int    rw 0:2
raw/triggers/<qatrig>/loopback    int    rw 0:1
"""
"""Not documented. ASSUMED from what the published examples of zhinst-toolkit set; one for each
trigger input, and the range of the frequency."""

SCOPE = """
scopes/0/averaging/count          int    rw =1 1:65535
scopes/0/averaging/enable         int    rw 0:1
scopes/0/channels/<4>/enable      int    rw 0:1
scopes/0/channels/<4>/inputselect int    rw
scopes/0/channels/<4>/wave        vector ro
scopes/0/enable                   int    do 0:1
scopes/0/length                   int    rw =4096 16:262144:16
scopes/0/segments/count           int    rw =1 1:1024
scopes/0/segments/enable          int    rw 0:1
scopes/0/single                   int    rw 0:1
scopes/0/time                     int    rw 0:15
scopes/0/trigger/channel          int    rw
scopes/0/trigger/delay            double rw -131e-6:131e-6:2e-9
scopes/0/trigger/enable           int    rw 0:1
"""

TABLE = (
    _CHANNEL
    + readout("qachannels/<qa>/generator")
    + pipeliner("qachannels/<qa>")
    + SCOPE
    + LOOPBACK
)  # fmt: skip

LONG_READOUT = """
qachannels/<qa>/generator/waveforms/<units>/hold/enable             int rw 0:1
qachannels/<qa>/generator/waveforms/<units>/hold/samples/length     int rw
qachannels/<qa>/generator/waveforms/<units>/hold/samples/startindex int rw
qachannels/<qa>/modulation/enable                           int    rw 0:1
qachannels/<qa>/readout/integration/downsampling/factor     int    rw =1 1:16
"""
"""What the option LRT adds (node documentation: "needs LRT option")."""
