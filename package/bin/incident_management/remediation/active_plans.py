"""The plans that the worker processes, and the loop over them."""

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

# Each decision takes a person and is valid for minutes, so there are never this many at once.
MAX_LIVE = 1000
MAX_UNDECIDED = 200
# How many plans make progress in one round.
MAX_STEPS = 20


def active_plans(context: Context) -> List[Document]:
    """Return the plans that someone decided on and whose documents are not finished.

    Undecided plans are left out: there may be many, and they must not delay the others.
    """
    query = {"$and": [{"status": {"$ne": status}} for status in (*FINISHED, "proposed")]}
    return context.stores.plans.find(query, "created_at:1", MAX_LIVE)


def undecided_plans(context: Context) -> List[Document]:
    """Return the oldest undecided plans; newer ones follow as these expire."""
    return context.stores.plans.find({"status": "proposed"}, "created_at:1", MAX_UNDECIDED)


def for_each_plan(
    context: Context,
    work: Callable[[str], bool],
    failed: Optional[Callable[[str, str], None]] = None,
) -> int:
    """Call ``work`` with the id of each active plan, the oldest first, until 20 have returned True.

    An error with one plan does not stop the others: ``failed`` gets its id and the reason. Returns
    how often ``work`` returned True. Raises SplunkError if it would affect all plans.
    """
    count = 0
    for plan in active_plans(context):
        if count >= MAX_STEPS:
            break
        try:
            count += work(plan["_key"])
        except NotFound:
            continue  # Its incident was deleted by age.
        except Exception as error:
            if affects_all_plans(error):
                raise
            if failed is not None:
                failed(plan["_key"], error_text(error))
    return count


def affects_all_plans(error: Exception) -> bool:
    """Tell whether an error would affect other plans too, as when splunkd is unavailable.

    A 4xx answer concerns one request, except 401: splunkd no longer accepts the app's session.
    """
    refused = isinstance(error, SplunkError) and 400 <= error.status < 500 and error.status != 401
    return isinstance(error, SplunkError) and not refused


def error_text(error: Exception) -> str:
    """Return an error as a sentence if it has one, else its type and masked text."""
    if isinstance(error, (SearchFailed, CatalogueError, Refused, SplunkError)):
        return str(error)
    return f"{type(error).__name__}: {mask(str(error))[:200]}"
