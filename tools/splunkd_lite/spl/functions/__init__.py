"""The eval functions, one module a chapter of Splunk's manual. Importing registers them."""

from importlib import import_module

for _name in (
    "comparison",
    "conversion",
    "dates",
    "information",
    "jsontext",
    "mathematics",
    "multivalue",
    "precision",
    "tables",
    "text",
):
    import_module(f"{__name__}.{_name}")
