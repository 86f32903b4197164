"""The search commands, grouped by what they do. Importing registers them."""

from importlib import import_module

for _name in (
    "alerting",
    "charting",
    "combining",
    "evaluating",
    "fieldsets",
    "generating",
    "grouping",
    "lookups",
    "metrics",
    "multivalues",
    "ordering",
    "parsing",
    "searching",
    "statistics",
    "streaming_stats",
    "writing",
):
    import_module(f"{__name__}.{_name}")
