"""Defines what the records raise."""


class RecordsError(Exception):
    """The records could not be read or written; what was to be kept has not been kept."""


class NoRun(LookupError):
    """No run, or no file of it, is in the records under that name. The message says what is."""

    def __str__(self) -> str:
        return str(self.args[0])
