"""How far the golden cases were held against the pages that they cite.

The cases were written from the pages of Splunk's manual: some are a page's own example, others
apply a rule that the page states, and none keeps a record of which. So a second reading was begun:
REREAD are the cases whose input and output were found on the cited page again, word for word or
digit for digit. All others: manual, from memory.
"""

from __future__ import annotations

from tests.contract.spl.command_cases import SPL2

REREAD: list[tuple[str, str]] = [
    (SPL2 + "streamstats-command", "streamstats window=3 avg(bytes)"),
    (SPL2 + "streamstats-command/streamstats-command-examples", "streamstats count | "),
    (SPL2 + "streamstats-command/streamstats-command-examples", "streamstats count BY host"),
    (SPL2 + "mvexpand-command/mvexpand-command-examples", "mvexpand c"),
    (SPL2 + "dedup-command", "dedup host"),
    # The page prints 4 as the total of 2, 1 and 2; the case has 5.
    (SPL2 + "appendpipe-command/appendpipe-command-examples", "appendpipe [stats sum(user_count)"),
]
"""(page, how the search begins)."""
