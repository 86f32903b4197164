"""A generating command that works for minutes, and says meanwhile how far it is.

splunkd asks a generating command for rows, chunk by chunk, until an answer says that it has
finished; messages travel with an answer ("inspector" of splunklib's ``RecordWriterV2``). There is
no answer that is replaced by a later one ("the SCP v2 protocol does not provide a way to send
partial chunks yet", ``RecordWriterV2.flush``), so rows of progress would stay among the results.
What can be said before the end is a message, with an answer that has no rows.
"""

from __future__ import annotations

from typing import Any

from splunklib.searchcommands import GeneratingCommand

__all__ = ["ProgressCommand"]


class ProgressCommand(GeneratingCommand):
    """A command whose :meth:`generate` may call :meth:`report_progress`."""

    def _execute_v2(self, ifile: Any, process: Any) -> None:
        """Do what splunklib does, and keep from where its requests come."""
        self._requests = self._as_binary_stream(ifile)
        super()._execute_v2(ifile, process)

    def report_progress(self, text: str) -> None:
        """Answer splunkd's request with a message and no rows, and take its next one.

        Raises SystemExit when there is none: the search was cancelled.
        """
        self.write_info(text)
        self._record_writer.write_chunk(finished=False)
        if self._read_chunk(self._requests) is None:
            raise SystemExit(0)
