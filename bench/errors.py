"""The one error whose message is meant for the user."""


class BenchError(Exception):
    """Bad input or a bad environment: the message names the file or argument and says what to do."""
