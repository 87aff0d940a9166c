"""Nodes of the PQSC.

Ranges: PQSC user manual, node tree (execution: 1 to 2^32 - 1 repetitions, hold-off in steps of
100 ns). See the note in :mod:`~podium.firmware_interfaces.zurich.inventory.system` on what is
written by hand.
"""

TABLE = """
execution/enable                                    int    do 0:1
execution/holdoff                                   double rw =100e-6 20e-9:40:20e-9
execution/progress                                  double ro
execution/repetitions                               int    rw =1 1:4294967295
execution/synchronization/enable                    int    rw 0:1
execution/trigger                                   int    rw
feedback/decoder/lut/sources/<16>/index             int    rw 0:31
feedback/decoder/lut/sources/<16>/register          int    rw 0:31
feedback/decoder/lut/tables/<16>                    vector do
feedback/registerbank/reset                         int    do 0:1
system/clocks/referenceclock/in/freq                double rw =10e6 {10e6,100e6}
system/clocks/referenceclock/in/source              int    rw
system/clocks/referenceclock/in/sourceactual        int    ro
system/clocks/referenceclock/in/status              int    ro
system/clocks/referenceclock/out/enable             int    rw 0:1
system/clocks/referenceclock/out/freq               double rw =10e6 {10e6,100e6}
system/clocks/sampleclock/freq                      double ro =250e6
system/clocks/sampleclock/status                    int    ro
triggers/in/<2>/imp50                               int    rw 0:1
triggers/in/<2>/level                               double rw =0.5 -5:5
triggers/in/<2>/value                               int    ro
triggers/out/<2>/enable                             int    rw 0:1
triggers/out/<2>/port                               int    rw 0:17
triggers/out/<2>/pulsewidth                         double rw =100e-9
triggers/out/<2>/source                             int    rw
zsyncs/<18>/connection/alias                        string ro
zsyncs/<18>/connection/devtype                      string ro
zsyncs/<18>/connection/serial                       string ro
zsyncs/<18>/connection/status                       int    ro
zsyncs/<18>/output/decoder/source                   int    rw 0:15
zsyncs/<18>/output/enable                           int    rw 0:1
zsyncs/<18>/output/registerbank/sources/<8>/enable   int   rw 0:1
zsyncs/<18>/output/registerbank/sources/<8>/index    int   rw 0:15
zsyncs/<18>/output/registerbank/sources/<8>/register int   rw 0:31
zsyncs/<18>/output/source                           int    rw 0:1
"""
