"""Defines what the records raise."""


class RecordsError(Exception):
    """The records could not be read or written; what was to be kept has not been kept."""


class RecordsAway(RecordsError):
    """The database does not take anything now and may soon: it is being started, or is not reached.

    What was to be kept can be said again.
    """


class NoRun(LookupError):
    """No run, or no file of it, is in the records under that name. The message says what is."""

    def __str__(self) -> str:
        return str(self.args[0])
