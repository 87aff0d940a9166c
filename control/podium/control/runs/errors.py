"""Errors of runs. The tree: ``RunError`` is refused or failed; a lost start is a failure."""


class RunError(Exception):
    """Something asked of the facility was not done. Outputs are safe, biases are unmoved or held.

    The message names the instrument or node, what was asked, and what came back.
    """


class RunRefused(RunError):
    """The request itself was wrong (does not fit, out of limits, unknown name). Nothing played."""


class RunDoesNotFit(RunRefused):
    """A program does not fit its controllers as one run; parts of it may."""


class RunFailed(RunError):
    """It could not be done now (instrument lost, error flag, deadline). Its data are discarded."""


class StartLate(RunFailed):
    """Its start came too late, so nothing was played; made again, it may do."""


class StartPartial(RunFailed):
    """Some nodes started in time and others not at all: all were stopped, its data are discarded.

    Made again as a whole, it may do.
    """
