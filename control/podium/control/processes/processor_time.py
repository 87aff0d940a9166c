"""Processor time that this process and the processes it has started and ended have taken."""

import resource


def processor_time_s() -> float:
    """Return it, s: of this process, and of all that ended and were waited for, by whomever."""
    return sum(
        use.ru_utime + use.ru_stime
        for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
