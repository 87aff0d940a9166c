"""The data server's own nodes, below ``/zi``."""

TABLE = """
about/commit          string ro
about/copyright       string ro
about/dataserver      string ro =DataServer
about/fullversion     string ro
about/fwrevision      int    ro
about/revision        int    ro
about/version         string ro
clockbase             double ro =1e6
config/open           int    rw =1
config/port           int    ro =8004
debug/level           int    rw =3
debug/log             string ro
debug/logpath         string ro
devices               string ro
devices/connected     string ro
devices/visible       string ro
"""
