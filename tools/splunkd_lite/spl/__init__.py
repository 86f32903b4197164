"""SPL: parse a search to a tree, and run it over the rows that a context supplies.

    parse(spl, context) -> Pipeline       the tree; SplError names what is wrong, and where
    run(spl, context) -> Results          rows, the order of fields, messages
    execute(spl, context) -> Iterator     rows as they come
    SearchContext                         what the host offers; see spl/context.py

What isn't supported is an error, never a guess. SUPPORTED.md lists what is.
"""

from tools.splunkd_lite.spl import commands, functions
from tools.splunkd_lite.spl.context import (
    CustomCommand,
    Environment,
    LookupTable,
    Message,
    SearchContext,
)
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.execute import Results, execute, run
from tools.splunkd_lite.spl.parser import parse
from tools.splunkd_lite.spl.tree import Pipeline

__all__ = [
    "CustomCommand",
    "Environment",
    "LookupTable",
    "Message",
    "Pipeline",
    "Results",
    "SearchContext",
    "SplError",
    "commands",
    "execute",
    "functions",
    "parse",
    "run",
]
