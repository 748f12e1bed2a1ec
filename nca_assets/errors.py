"""The one exception that this project raises for what its user can mend."""


class NcaError(Exception):
    """Bad settings, names or files. The message is one line: what, where, and what to do."""


class DamageError(NcaError):
    """A file is missing, or is not what was written there."""


class DiskFullError(NcaError):
    """There is no space left to write to."""


class TransientError(NcaError):
    """What may well succeed when it is tried again: a busy or unreachable disk, a GPU that failed, a held lock."""


class OvertakenError(TransientError):
    """The data changed while something was made of them, so it must be made again."""
