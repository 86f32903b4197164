"""Runs the script of one ``[admin_external:…]`` stanza of restmap.conf.

Called as ``external.py <script>``. The script ends in ``admin.init(Handler, …)``, which is where
the stand-in's requests are answered (see ``splunk.admin``).
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback

from splunk import admin

from _stand_in.channel import Channel  # type: ignore[import-not-found]  # on PYTHONPATH

__all__ = ["main"]


def main(script: str) -> None:
    """Run the script as ``__main__``; it returns when the channel is closed."""
    admin.channel = Channel()
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120 - splunkd's own form of the path
    try:
        runpy.run_path(script, run_name="__main__")
    except Exception as error:  # noqa: BLE001 - whatever an app's script raises must be reported
        traceback.print_exc()
        admin.channel.write({"failed": {"class": type(error).__name__, "text": str(error)}})


if __name__ == "__main__":
    main(sys.argv[1])
