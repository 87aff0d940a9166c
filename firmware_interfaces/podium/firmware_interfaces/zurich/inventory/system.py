"""Nodes that all instruments have: what they are, their clocks, their network, their load.

Paths are facts of the instruments, as the vendor's client and manuals name them; types, limits and
what stands there at power-on are written by hand. ASSUMED: whatever of that no page says.
"""

EVERYWHERE = """
clockbase                                 double ro
features/serial                           string ro
features/devtype                          string ro
features/options                          string ro
features/code                             string wo
raw/error/json/errors                     string ro ={"messages":[]}
raw/error/clear                           int    do 0:1
raw/error/blinkseverity                   int    rw =1
raw/error/buffersize                      int    rw =32
raw/stats/sync                            int    do
stats/cmdstream/bandwidth                 double ro
stats/cmdstream/bytesreceived             int    ro
stats/cmdstream/bytessent                 int    ro
stats/cmdstream/packetslost               int    ro
stats/cmdstream/packetsreceived           int    ro
stats/cmdstream/packetssent               int    ro
stats/cmdstream/pending                   int    ro
stats/cmdstream/processing                int    ro
stats/datastream/bandwidth                double ro
stats/datastream/bytesreceived            int    ro
stats/datastream/packetslost              int    ro
stats/datastream/packetsreceived          int    ro
stats/datastream/pending                  int    ro
stats/datastream/processing               int    ro
stats/physical/fpga/temp                  double ro =45.0
stats/physical/fpga/core                  double ro =0.85
stats/physical/fpga/aux                   double ro =1.8
stats/physical/overtemperature            int    ro
status/time                               int    ro
status/flags/binary                       int    ro
status/flags/packetlosstcp                int    ro
status/flags/packetlossudp                int    ro
system/activeinterface                    string ro =1GbE
system/boardrevisions/<2>                 string ro =1.0
system/fpgarevision                       int    ro =71073
system/fwlog                              string ro
system/fwlogenable                        int    rw =1 0:1
system/fwrevision                         int    ro =71073
system/hwrevision                         int    ro =100
system/identify                           int    do 0:1
system/interfacespeed                     string ro =1000
system/kerneltype                         string ro =hpk
system/owner                              string ro
system/nics/0/defaultgateway              string rw =0.0.0.0
system/nics/0/defaultip4                  string rw =0.0.0.0
system/nics/0/defaultmask                 string rw =255.255.255.0
system/nics/0/gateway                     string ro =0.0.0.0
system/nics/0/ip4                         string ro =127.0.0.1
system/nics/0/mac                         string ro =80:2F:DE:00:00:00
system/nics/0/mask                        string ro =255.255.255.0
system/nics/0/saveip                      int    do 0:1
system/nics/0/static                      int    rw 0:1
system/porttcp                            int    rw =8010
system/portudp                            int    rw =8011
system/preset/busy                        int    ro
system/preset/default                     int    rw
system/preset/error                       int    ro
system/preset/load                        int    do 0:1
system/properties/timebase                double ro
system/shutdown                           int    do 0:1
system/stall                              int    do 0:1
system/update                             int    do 0:1
"""

SHF_CLOCKS = """
system/clocks/referenceclock/in/freq          double ro =10e6
system/clocks/referenceclock/in/source        int    rw
system/clocks/referenceclock/in/sourceactual  int    ro
system/clocks/referenceclock/in/status        int    ro
system/clocks/referenceclock/out/enable       int    rw 0:1
system/clocks/referenceclock/out/freq         double rw =10e6 {10e6,100e6}
system/clocks/sampleclock/freq                double ro =2e9
system/clocks/sampleclock/status              int    ro
raw/system/awg/runtimechecks/enable           int    rw 0:1
system/clocks/ready                           int    ro =1
system/digitalmixer/reset/all                 int    do 0:1
system/digitalmixer/reset/mode                int    rw
system/digitalmixer/reset/select              int    rw
system/internaltrigger/enable                 int    do 0:1
system/internaltrigger/holdoff                double rw =100e-6 100e-9:40:100e-9
system/internaltrigger/progress               double ro
system/internaltrigger/repetitions            int    rw =1 1:1099511627775
system/internaltrigger/synchronization/enable int    rw 0:1
system/properties/centerfreqstepsize          double ro =200e6
system/properties/freqresolution              int    ro =48
system/properties/freqscaling                 double ro =0.0000071054273576010019
system/properties/maxfreq                     double ro =8.5e9
system/properties/minfreq                     double ro
system/properties/negativefreq                int    ro
system/swtriggers/0/single                    int    do 0:1
system/synchronization/source                 int    rw
stats/physical/currents/<9>                   double ro =1.0
stats/physical/fanspeeds/<5>                  double ro =4000.0
stats/physical/temperatures/<12>              double ro =40.0
stats/physical/voltages/<9>                   double ro =1.0
"""

DIGITAL_PORT = """
dios/0/drive      int rw 0:15
dios/0/extclk     int rw
dios/0/input      int ro
dios/0/interface  int rw 0:1
dios/0/mode       int rw
dios/0/output     int rw 0:4294967295
"""
