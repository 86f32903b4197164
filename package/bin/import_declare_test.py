"""Puts the app's own libraries on the module path. Every script in bin/ imports this first.

It stands in for the module of this name that the UCC framework generates, which would also put
``bin/incident_management/`` itself on the path: there its folder ``splunk`` would hide Splunk's own
``splunk`` package.
"""

import re
import sys
from pathlib import Path

_OTHER_APPS_BIN = re.compile(
    r"[\\/]etc[\\/]apps[\\/](?!incident_management[\\/])[^\\/]+[\\/]bin[\\/]?$"
)

BIN = Path(__file__).resolve().parent
LIB = BIN.parent / "lib"

sys.path = [str(LIB), str(BIN)] + [
    path
    for path in sys.path
    if path not in (str(LIB), str(BIN)) and not _OTHER_APPS_BIN.search(path)
]
