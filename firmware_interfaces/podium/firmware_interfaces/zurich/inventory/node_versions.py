"""Nodes that LabOne has had since a version younger than 24.10.

``/zi/about/fullversion``: zhinst-toolkit 1.4.0, which does without it before 25.01. The others: the
documentation of nodes in ``zhinst.core`` 24.10 to 26.7; ASSUMED: a node is there since it is
documented. That of ``raw/awgs/*/elf/data``, 26.04, is no sign of it: older ones document no raw
nodes of that kind.
"""

import re

from podium.firmware_interfaces.zurich.labone_version import LabOneVersion

SERVER = "zi"
"""The data server itself, where a model is meant."""
_SINCE = (
    ((25, 1), SERVER, re.compile(r"about/fullversion")),
    ((25, 4), "SHF", re.compile(r"(qa|sg)channels/\d+/busy")),
    ((25, 7), "HDAWG", re.compile(r"sines/\d+/freq")),
    ((25, 7), "PQSC", re.compile(r"execution/trigger")),
)


def is_in(version: LabOneVersion | None, model: str, path: str) -> bool:
    """Tell whether a version has a node that the newest has; None: the newest.

    ``path`` begins below the root of the instrument, or of the server (``zi``).
    """
    if version is None:
        return True
    return not any(
        (version.year, version.month) < first and model.startswith(family) and node.fullmatch(path)
        for first, family, node in _SINCE
    )
