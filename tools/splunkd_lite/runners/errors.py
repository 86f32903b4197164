"""What can go wrong when an app's program is run. Each text is one sentence that can be shown."""

from __future__ import annotations

__all__ = ["CommandFailed", "ProcessFailed", "RunnerError", "Unsupported"]


class RunnerError(Exception):
    """A program of an app could not be run, or did not do what its protocol asks."""


class Unsupported(RunnerError):
    """The app uses something of Splunk that this stand-in does not do; the text names it."""


class ProcessFailed(RunnerError):
    """A program ended with an error, ran too long, or broke its protocol."""


class CommandFailed(RunnerError):
    """A custom search command made its search fail; the text is what the search's user sees."""
