"""An agent's process, as ``podium up`` starts it, for a host on which tests run beside it.

It leaves itself more time between the last look at the clocks and T0. What it checks is the same.
"""

import sys
from functools import partial

from podium.control.agent import process
from podium.control.agent.agent import Agent
from podium.control.runs.agent_values import Margins
from podium.firmware_interfaces.exact_time import FS_PER_MS

MARGINS = Margins(guard_fs=60 * FS_PER_MS, minimum_lead_fs=70 * FS_PER_MS)

if __name__ == "__main__":
    process.Agent = partial(Agent, margins=MARGINS)  # type: ignore[assignment,misc]
    sys.exit(process.main())
