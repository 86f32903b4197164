"""What splunkd answers when it refuses something."""

from __future__ import annotations

import errno
import sqlite3

__all__ = ["SplunkdError", "is_disk_full", "not_found"]


class SplunkdError(Exception):
    """A refusal that REST renders as splunkd does.

    ``status`` is the HTTP status, ``text`` one sentence for the user, ``kind`` the message type
    that splunkd writes (``ERROR``, ``WARN``, ``FATAL`` …).
    """

    def __init__(self, status: int, text: str, kind: str = "ERROR") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.kind = kind


def not_found(name: str) -> SplunkdError:
    """splunkd's answer for an object that is not there (recorded)."""
    return SplunkdError(404, f"Could not find object id={name}")


def is_disk_full(error: BaseException) -> bool:
    """True for the errors that a full disk or quota causes, from the OS or from SQLite.

    SQLite says SQLITE_FULL when it cannot grow a file and SQLITE_IOERR when the write-ahead log
    hits the limit (https://www.sqlite.org/rescode.html).
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and (code & 0xFF) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return False
