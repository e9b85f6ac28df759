"""The errors that end a run, each with the exit code that the command line gives for it."""


class BrazeRunnerError(Exception):
    """Base of every error that this package raises on purpose; its text is one sentence for the user."""

    exit_code = 3


class ConfigError(BrazeRunnerError):
    """Configuration or usage is missing or wrong: nothing has been read or sent."""

    exit_code = 2


class StoppedError(BrazeRunnerError):
    """Braze or the warehouse stopped the run; what was acknowledged before stays acknowledged."""

    exit_code = 3
