"""Count the requests to a model, so that no more are paid for than an administrator allows.

A request takes a numbered slot of its incident and one of its day. Each slot is a document of
``incident_claims`` that can be inserted once, so the limits hold for any number of search heads
that ask at once.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import List, Optional

from ...incidents.stores import MODEL_CALL, MODEL_CALL_OF_DAY, claim_document, with_prefix
from ...ports import Collection
from ..budget import Allowance

__all__ = ["Calls", "UsedUp"]


class UsedUp(Exception):
    """No more requests are allowed; the text is one sentence."""


class Calls:
    """The requests that were made, stored in ``claims``, within an allowance."""

    def __init__(self, claims: Collection, allowance: Allowance) -> None:
        self._claims = claims
        self._allowance = allowance

    def take(self, incident_id: str, now: float) -> List[str]:
        """Take the slots of one request, and return what :meth:`give_back` needs.

        Raises:
            UsedUp: the incident, or the day, has none left.
        """
        day = f"{datetime.fromtimestamp(now, timezone.utc):%Y-%m-%d}"
        most = self._allowance.calls_per_incident
        of_incident = self._place(MODEL_CALL, incident_id, most, now)
        if of_incident is None:
            raise UsedUp(
                f"No model was asked: the {most} calls that {incident_id} may have are used up; an "
                "administrator can raise 'Calls per incident' on the Bedrock page."
            )
        most = self._allowance.calls_per_day
        of_day = self._place(MODEL_CALL_OF_DAY, day, most, now)
        if of_day is None:
            self.give_back([of_incident])
            raise UsedUp(
                f"No model was asked: the {most} calls of {day} (UTC) are used up; ask again "
                "tomorrow, or have an administrator raise 'Calls per day' on the Bedrock page."
            )
        return [of_incident, of_day]

    def give_back(self, places: List[str]) -> None:
        """Release the slots of a request that was not made and costs nothing."""
        for place in places:
            self._claims.delete(place)

    def _place(self, purpose: str, holder: str, most: int, now: float) -> Optional[str]:
        """Take the first free slot and return its key, or None if all are taken."""
        taken = set(self._claims.keys(with_prefix("_key", f"{purpose}:{holder}:")))
        for number in range(1, most + 1):
            key = f"{purpose}:{holder}:{number}"
            if key in taken:
                continue
            if self._claims.insert(claim_document(key, now, purpose=purpose, holder=holder)):
                return key
        return None
