"""A generating command that runs for minutes and reports its progress.

splunkd asks a generating command for rows, chunk by chunk, until an answer says that it has
finished; messages travel with an answer ("inspector" of splunklib's ``RecordWriterV2``). No answer
replaces an earlier one ("the SCP v2 protocol does not provide a way to send partial chunks yet",
``RecordWriterV2.flush``), so rows of progress would stay among the results. Progress is therefore a
message, with an answer that has no rows.
"""

from __future__ import annotations

from typing import Any

from splunklib.searchcommands import GeneratingCommand

__all__ = ["ProgressCommand"]


class ProgressCommand(GeneratingCommand):
    """A command whose :meth:`generate` may call :meth:`report_progress`."""

    def _execute_v2(self, ifile: Any, process: Any) -> None:
        """Do what splunklib does, and remember the stream of requests."""
        self._requests = self._as_binary_stream(ifile)
        super()._execute_v2(ifile, process)

    def report_progress(self, text: str) -> None:
        """Answer splunkd's request with a message and no rows, and read its next request.

        Raises SystemExit if there is none: the search was cancelled.
        """
        self.write_info(text)
        self._record_writer.write_chunk(finished=False)
        if self._read_chunk(self._requests) is None:
            raise SystemExit(0)
