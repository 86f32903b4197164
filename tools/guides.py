"""Render the guides of docs/ as pages of the app, for users who have only the package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
INDEX = "index.html"
# The guides for users in README.md's list, and one that these refer to.
_LIST = re.compile(r"^## Read on\n(.*?)^\| who works on the app", re.M | re.S)
_REFERRED = ("LEARNING",)
_GUIDE = re.compile(r"(?:docs/)?([A-Z]+)\.md(#.*)?")
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{{color-scheme:light dark}}
body{{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}
body,td{{overflow-wrap:break-word}}
table{{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}}
th,td{{border:1px solid #8886;padding:.3em .6em;text-align:left;vertical-align:top}}
pre{{background:#8882;padding:.7em;overflow-x:auto}}
:target{{border-left:4px solid;padding-left:.5em}}
</style>
</head>
<body>
{body}</body>
</html>
"""


def pages(root: Path = ROOT) -> dict[str, str]:
    """Return each page's HTML by file name; the index links all guides but those in _REFERRED."""
    found = _LIST.search((root / "README.md").read_text(encoding="utf-8"))
    if not found:
        raise ValueError("README.md has no list of guides under 'Read on'.")
    names = [*dict.fromkeys(re.findall(r"docs/([A-Z]+)\.md\)", found[1])), *_REFERRED]
    listed = re.sub(r"\[docs/(\w+)\.md\]", r"[\1]", found[1])
    made = {INDEX: _page("# Guides\n" + listed, names)}
    for name in names:
        text = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
        made[f"{name}.html"] = _page(f"[Guides](index.html)\n\n{text}", names)
    return made


def anchor(heading: str) -> str:
    """Return the anchor of a heading on GitHub, as the guides' links use it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _page(text: str, names: Sequence[str]) -> str:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    title = ""
    for before, token in zip(tokens, tokens[1:]):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            before.attrSet("id", anchor(words))
            title = title or words
        if token.children:
            token.children = list(_linked(token.children, names))
    return _PAGE.format(
        title=escape(title), body=reader.renderer.render(tokens, reader.options, {})
    )


def _linked(tokens: Sequence[Token], names: Sequence[str]) -> Iterator[Token]:
    """Point links between guides to their pages, and remove links to files that the app lacks."""
    kept = True
    for token in tokens:
        if token.type == "link_open":
            href = str(token.attrGet("href"))
            guide = _GUIDE.fullmatch(href)
            kept = href.startswith(("https://", "#")) or href == INDEX
            if guide and guide[1] in names:
                kept = True
                token.attrSet("href", f"{guide[1]}.html{guide[2] or ''}")
        if kept or token.type not in ("link_open", "link_close"):
            yield token
