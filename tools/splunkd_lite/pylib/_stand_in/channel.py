"""Messages between the stand-in and a process that serves many requests.

A message is 4 bytes of length (big endian) and that many bytes of JSON. The process's own stdout
is given to its stderr, so that a ``print`` in an app cannot break the framing.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

__all__ = ["Channel"]


class Channel:
    """The process's end of the channel."""

    def __init__(self) -> None:
        """Take stdin and stdout over; the program sees an empty stdin, and stderr as stdout."""
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        sys.stdout = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")

    def read(self) -> dict[str, Any] | None:
        """The next message, or None when the stand-in has closed the channel."""
        head = self._in.read(4)
        if len(head) < 4:
            return None
        (size,) = struct.unpack(">I", head)
        body = self._in.read(size)
        return json.loads(body) if len(body) == size else None

    def write(self, message: dict[str, Any]) -> None:
        """Send one message."""
        body = json.dumps(message).encode("utf-8")
        self._out.write(struct.pack(">I", len(body)) + body)
        self._out.flush()
