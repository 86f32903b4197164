"""The plans that the worker looks after, and how it goes through them."""

from __future__ import annotations

from typing import Callable, List, Optional

from ..incidents.errors import NotFound
from ..masking import mask
from ..ports import Document, SearchFailed
from ..splunk.session import SplunkError
from .catalogue import CatalogueError
from .context import Context, Refused
from .plan import FINISHED

__all__ = ["active_plans", "affects_all_plans", "error_text", "for_each_plan", "undecided_plans"]

# A decision takes a person each and holds for minutes, so there are never so many at once.
MAX_LIVE = 1000
MAX_UNDECIDED = 200
# So many are taken a step further in a round.
MAX_STEPS = 20


def active_plans(context: Context) -> List[Document]:
    """Plans that somebody decided on and whose documents do not say that they are over.

    Without those that nobody has decided on, which may be many and must not stand in their way.
    """
    query = {"$and": [{"status": {"$ne": status}} for status in (*FINISHED, "proposed")]}
    return context.stores.plans.find(query, "created_at:1", MAX_LIVE)


def undecided_plans(context: Context) -> List[Document]:
    """The oldest plans that nobody has decided on; the others' turn comes as these expire."""
    return context.stores.plans.find({"status": "proposed"}, "created_at:1", MAX_UNDECIDED)


def for_each_plan(
    context: Context,
    work: Callable[[str], bool],
    failed: Optional[Callable[[str, str], None]] = None,
) -> int:
    """Do something with every live plan, the oldest first, until it was done 20 times.

    What can't be done with one plan keeps no other back: ``failed`` gets its id and why. Returns
    how often ``work`` returned True. Raises SplunkError where that would stop all of them.
    """
    count = 0
    for plan in active_plans(context):
        if count >= MAX_STEPS:
            break
        try:
            count += work(plan["_key"])
        except NotFound:
            continue  # Its incident left by age.
        except Exception as error:
            if affects_all_plans(error):
                raise
            if failed is not None:
                failed(plan["_key"], error_text(error))
    return count


def affects_all_plans(error: Exception) -> bool:
    """Tell whether other plans would fail by it, too: not where splunkd says no to what was asked.

    401 is no such answer: then it knows the app no more.
    """
    refused = isinstance(error, SplunkError) and 400 <= error.status < 500 and error.status != 401
    return isinstance(error, SplunkError) and not refused


def error_text(error: Exception) -> str:
    """Return what went wrong with a plan, in a sentence where the error has one."""
    if isinstance(error, (SearchFailed, CatalogueError, Refused, SplunkError)):
        return str(error)
    return f"{type(error).__name__}: {mask(str(error))[:200]}"
