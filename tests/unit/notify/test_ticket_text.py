"""The words of a Jira comment, whatever its document holds."""

from __future__ import annotations

import pytest

from incident_management.notify.inbound.adf import MAX_NODES, text_of


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def paragraph(*content):
    return {"type": "paragraph", "content": list(content)}


def text(words):
    return {"type": "text", "text": words}


def test_paragraphs_lists_and_what_stands_for_text_are_read():
    item = {"type": "listItem", "content": [paragraph(text("one"))]}
    document = doc(
        {"type": "heading", "attrs": {"level": 1}, "content": [text("Cause")]},
        paragraph(
            text("Ask "),
            {"type": "mention", "attrs": {"id": "x", "text": "@Lee"}},
            {"type": "hardBreak"},
            {"type": "inlineCard", "attrs": {"url": "https://wiki.example/1"}},
        ),
        {"type": "bulletList", "content": [item, item]},
    )
    assert text_of(document) == "Cause\nAsk @Lee\nhttps://wiki.example/1\none\none"


def test_a_date_a_link_and_what_has_a_title_are_not_left_out():
    decision = {"type": "decisionItem", "content": [text("Roll back")]}
    link = {"type": "link", "attrs": {"href": "https://wiki.example/2"}}
    document = doc(
        paragraph(
            text("Again from "),
            {"type": "date", "attrs": {"timestamp": "1770000000000"}},
            text(" on, see "),
            {**text("the runbook"), "marks": [{"type": "strong"}, link]},
        ),
        paragraph({**text("https://wiki.example/2"), "marks": [link]}),
        {"type": "decisionList", "content": [decision, decision]},
        {"type": "expand", "attrs": {"title": "Log"}, "content": [paragraph(text("x"))]},
        {"type": "embedCard", "attrs": {"url": "https://wiki.example/3", "layout": "wide"}},
        paragraph(text("end")),
    )
    assert text_of(document).split("\n") == [
        "Again from 2026-02-02 on, see the runbook (https://wiki.example/2)",
        "https://wiki.example/2",
        "Roll back",
        "Roll back",
        "Log",
        "x",
        "https://wiki.example/3",
        "end",
    ]


@pytest.mark.parametrize("timestamp", ["", "soon", "9" * 40, None, {}])
def test_a_date_that_is_none_is_no_trouble(timestamp):
    dated = paragraph(text("x"), {"type": "date", "attrs": {"timestamp": timestamp}})
    odd = {"type": ["x"], "attrs": 3, "marks": 3, "content": [{**text("y"), "marks": [3, {}]}]}
    assert text_of(doc(dated, odd)).startswith("x")


@pytest.mark.parametrize(
    "document", [None, "x", 7, [], {}, doc(None, 3, {"content": "x"}), {"type": "mention"}]
)
def test_what_is_no_document_says_nothing(document):
    assert text_of(document) == ""


def test_a_document_that_is_deep_or_endless_is_read_within_bounds():
    deep = text("bottom")
    for _level in range(MAX_NODES // 4):
        deep = {"type": "blockquote", "content": [deep]}
    assert text_of(doc(deep)) == "bottom"
    wide = doc(*[paragraph(text("x"))] * MAX_NODES)
    assert 0 < text_of(wide).count("x") < MAX_NODES
