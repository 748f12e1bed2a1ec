"""The exceptions for problems that the user can fix."""


class NcaError(Exception):
    """Bad settings, names or files. The message is one line: what, where, and what to do."""


class DamageError(NcaError):
    """A file is missing, or differs from what was written."""


class DiskFullError(NcaError):
    """No space is left to write to."""


class TransientError(NcaError):
    """A failure that may pass on a retry: a busy or unreachable disk, a failing GPU, a held lock."""


class DeviceError(TransientError):
    """A GPU failed; the process that used it has to be replaced."""


class OvertakenError(TransientError):
    """The data changed while something was made from them, which therefore has to be made again."""
