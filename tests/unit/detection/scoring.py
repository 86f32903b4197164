"""Scores rows as ``| anomalyscore`` does."""

from incident_management.detection.baselines.series import FIELDS


def scored(scorer, rows):
    """Yield the rows with their scores, in order."""
    by = scorer._by
    for row in rows:
        names = tuple(str(row.get(name, "")) for name in by)
        key = names[0] if len(by) == 1 else names
        one = scorer.score_one(row.get(scorer._value), key, row.get("_time"))
        row.update(zip(FIELDS, one.split(",")))
        yield row
    scorer.note_end()
