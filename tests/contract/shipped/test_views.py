"""What a link to a dashboard puts into its tokens stays a value in the dashboard's searches.

`form.<token>=…` in an address sets a token to any text. The filter `|s` quotes it (Dashboard
Studio, "Token filters"); without it the text is part of the search.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

VIEWS = sorted(
    (Path(__file__).resolve().parents[3] / "package/default/data/ui/views").glob("*.xml")
)
# A token as Splunk's own packages read it: $namespace:name|filters$.
_TOKEN = re.compile(r"\$(?:[ \w.-]+:)?[\w.-](?:[\w .-]*[\w.-])?((?:\|[a-zA-Z]+)*)\$")
_QUOTES = "s"


def sources(view: Path) -> dict[str, dict[str, Any]]:
    text = ET.parse(view).getroot().findtext("definition")
    return dict(json.loads(text or "{}").get("dataSources", {}))


def texts(node: Any) -> Iterator[str]:
    """Every text below a node, but for a search's time range, which is no part of its words."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key != "queryParameters":
                yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def unquoted(node: Any) -> list[str]:
    """The tokens below a data source that come into its search as they are."""
    return [
        found.group()
        for text in texts(node)
        for found in _TOKEN.finditer(text)
        if _QUOTES not in found.group(1).split("|")
    ]


def test_there_are_views_with_tokens() -> None:
    queries = [text for view in VIEWS for text in texts(sources(view))]
    assert len(VIEWS) >= 3
    assert any(_TOKEN.search(query) for query in queries)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.stem)
def test_no_token_is_part_of_a_search_but_as_a_quoted_value(view: Path) -> None:
    found = {name: tokens for name, source in sources(view).items() if (tokens := unquoted(source))}
    assert found == {}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.stem)
def test_no_search_of_a_view_reads_a_whole_collection(view: Path) -> None:
    """They run each minute for each reader; a `where` is the KV store's to answer."""
    read = re.compile(r"\|\s*inputlookup\b[^|]*")
    found = [
        part
        for text in texts(sources(view))
        for part in read.findall(text)
        if " where " not in part and " max=" not in part
    ]
    assert found == []


@pytest.mark.parametrize(
    ("query", "bare"),
    [
        ("| x limit=$limit$", ["$limit$"]),
        ('| where t > relative_time(now(), "-$period$")', ["$period$"]),
        ("| x a=$submitted:a$ b=$a|u$", ["$submitted:a$", "$a|u$"]),
        ("| x limit=$limit|s$ where id=$a b.c|h|s$", []),
        ("| rex \"(?<cost>\\$\\d+)\" | eval paid=cost.'$'", []),
    ],
)
def test_an_unquoted_token_would_be_found(query: str, bare: list[str]) -> None:
    times = {"earliest": "$time.earliest$", "latest": "$time.latest$"}
    assert unquoted({"options": {"query": query, "queryParameters": times}}) == bare
