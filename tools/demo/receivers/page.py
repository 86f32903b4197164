"""Shows what arrived as people would see it: Slack, Teams and PagerDuty side by side, as HTML.

A picture of the messages for people, in our own styling; it is no check of anything.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable
from typing import Any

STYLE = """
:root { color-scheme: light; --line: #dfe1e6; --soft: #5e6470; }
body { font: 15px/1.47 "Helvetica Neue", Arial, sans-serif; margin: 0; background: #f4f5f7;
       color: #1d1c1d; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 24px;
       padding: 24px; align-items: start; }
h1 { font-size: 17px; margin: 0; padding: 14px 20px; color: #fff; border-radius: 10px 10px 0 0; }
.panel { background: #fff; border: 1px solid var(--line); border-radius: 10px; }
.slack h1 { background: #4a154b; } .teams h1 { background: #464775; }
.pagerduty h1 { background: #06723a; } .bedrock h1 { background: #232f3e; }
article { padding: 14px 20px; border-top: 1px solid var(--line); }
article.reply { margin-left: 36px; padding-left: 16px; border-left: 3px solid var(--line); }
.who { font-weight: 700; } .when { color: var(--soft); font-size: 12px; font-weight: 400; }
.header { font-size: 18px; font-weight: 700; margin: 6px 0; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 20px; }
.context { color: var(--soft); font-size: 12px; }
pre { background: #f8f8f8; border: 1px solid var(--line); border-radius: 4px; padding: 8px;
      white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; margin: 6px 0; }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px;
          font-weight: 700; font-size: 14px; color: inherit; text-decoration: none; margin: 4px 0; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: 12px 16px; }
.card p { margin: 4px 0; overflow-wrap: anywhere; }
.mono { font-family: monospace; font-size: 12px; }
.subtle { color: var(--soft); } .bolder { font-weight: 700; } .large { font-size: 18px; }
.attention { color: #c4314b; } .warning { color: #b56a00; } .good { color: #237b4b; }
.accent { color: #4f52b2; }
.tag { border-radius: 10px; padding: 1px 10px; font-size: 12px; color: #fff; background: #b8122f; }
.tag.resolved { background: #06723a; } .tag.acknowledged { background: #b56a00; }
table { border-collapse: collapse; font-size: 13px; } td { padding: 2px 12px 2px 0;
        vertical-align: top; } td:first-child { color: var(--soft); white-space: nowrap; }
.dot { display: inline-block; width: 13px; height: 13px; border-radius: 50%; }
.done { color: #237b4b; }
.problem { color: #c4314b; font-size: 13px; font-weight: 700; }
"""
# Drawn, because a machine without an emoji font shows boxes.
DOTS = {"🔴": "#d92d20", "🟠": "#f08c00", "🟡": "#e8b800", "🔵": "#1c7ed6", "⚪": "#adb5bd"}
TITLES = {
    "slack": "Slack · #incidents",
    "teams": "Microsoft Teams · Incidents",
    "pagerduty": "PagerDuty · Events",
    "bedrock": "Bedrock · Converse (rules, not a model)",
}


def page(entries: Iterable[dict[str, Any]]) -> str:
    """Return the whole page for the record's entries."""
    entries = list(entries)
    panels = "".join(_panel(service, entries) for service in TITLES)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>What the receivers got</title>"
        f"<style>{STYLE}</style><main>{panels}</main></html>"
    )


def _panel(service: str, entries: list[dict[str, Any]]) -> str:
    draw = {"slack": _slack, "teams": _teams, "pagerduty": _alert, "bedrock": _asked}[service]
    shown = []
    for entry in entries:
        if entry["service"] != service or not (entry["message"] or entry["problems"]):
            continue
        problems = "".join(f"<p class=problem>✗ {_safe(one)}</p>" for one in entry["problems"])
        message = entry["message"] or {}
        reply = " class=reply" if message.get("thread_ts") else ""
        body = draw(message) if message else ""
        shown.append(f"<article{reply}>{_when(entry['time'])}{body}{problems}</article>")
    content = "".join(shown) or "<article class=subtle>Nothing yet.</article>"
    return f"<section class='panel {service}'><h1>{_safe(TITLES[service])}</h1>{content}</section>"


def _safe(text: Any) -> str:
    return html.escape(str(text), quote=True)


def _when(seconds: float) -> str:
    stamp = time.strftime("%H:%M:%S", time.localtime(seconds))
    return f"<div class=who>Incident Management <span class=when>{stamp}</span></div>"


# --- Slack ------------------------------------------------------------------------------------


def _slack(message: dict[str, Any]) -> str:
    return "".join(_block(one) for one in message.get("blocks") or []) or _mrkdwn(message["text"])


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<div class=header>{_dotted(block['text']['text'])}</div>"
    if kind == "divider":
        return "<hr>"
    if kind == "section":
        text = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
        fields = "".join(f"<div>{_text(one)}</div>" for one in block.get("fields", []))
        return text + (f"<div class=fields>{fields}</div>" if fields else "")
    if kind == "context":
        return f"<p class=context>{' '.join(_text(one) for one in block['elements'])}</p>"
    if kind == "actions":
        return "".join(
            _button(one["text"]["text"], one.get("url", "")) for one in block["elements"]
        )
    if kind == "rich_text":
        return "".join(_rich_part(part) for part in block["elements"])
    return f"<p class=subtle>{_safe(kind)}</p>"


def _dotted(text: str) -> str:
    shown = _safe(text).replace("✅", "<span class=done>✔</span>")
    for sign, colour in DOTS.items():
        shown = shown.replace(sign, f"<span class=dot style='background:{colour}'></span>")
    return shown


def _rich_part(part: dict[str, Any]) -> str:
    text = "".join(_safe(one.get("text") or one.get("url", "")) for one in part["elements"])
    return f"<pre>{text}</pre>" if part["type"] == "rich_text_preformatted" else f"<p>{text}</p>"


def _text(text: dict[str, Any]) -> str:
    if text["type"] == "mrkdwn":
        return _mrkdwn(text["text"])
    return _safe(text.get("text") or text.get("alt_text", ""))


def _mrkdwn(text: str) -> str:
    """Return Slack's markup as HTML. ``& < >`` arrive escaped, so they are taken as they are."""
    text = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r"[[\1|\2]]", text)
    text = html.escape(html.unescape(text), quote=True)
    text = re.sub(r"\[\[(https?://[^|\]]+)\|([^\]]*)\]\]", r"<a href='\1'>\2</a>", text)
    text = re.sub(r"```(.+?)```", r"<pre>\1</pre>", text, flags=re.S)
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    return text.replace("\n", "<br>")


def _button(label: str, url: str) -> str:
    return f"<a class=button href='{_safe(url)}'>{_safe(label)}</a> "


# --- Teams ------------------------------------------------------------------------------------


def _teams(message: dict[str, Any]) -> str:
    drawn = []
    for attachment in message.get("attachments") or []:
        card = attachment.get("content") or {}
        body = "".join(_element(one) for one in card.get("body") or [])
        actions = "".join(_button(one["title"], one["url"]) for one in card.get("actions") or [])
        drawn.append(f"<div class=card>{body}{actions}</div>")
    return "".join(drawn)


def _element(element: dict[str, Any]) -> str:
    kind = element["type"]
    if kind == "TextBlock":
        return f"<p>{_run(element)}</p>"
    if kind == "RichTextBlock":
        return f"<p>{''.join(_run(one) for one in element['inlines'])}</p>"
    if kind == "FactSet":
        rows = "".join(
            f"<tr><td>{_safe(one['title'])}<td>{_safe(one['value'])}" for one in element["facts"]
        )
        return f"<table>{rows}</table>"
    inner = element.get("items") or element.get("columns") or []
    return f"<div>{''.join(_element({'type': 'Container', **one}) for one in inner)}</div>"


def _run(run: Any) -> str:
    if isinstance(run, str):
        return _safe(run)
    classes = [str(run.get(key, "")).lower() for key in ("weight", "size", "color")]
    classes += ["subtle"] if run.get("isSubtle") else []
    classes += ["mono"] if str(run.get("fontType", "")).lower() == "monospace" else []
    text = _safe(run["text"]).replace("\n", "<br>")
    return f"<span class='{_safe(' '.join(one for one in classes if one))}'>{text}</span>"


# --- PagerDuty and Bedrock --------------------------------------------------------------------


def _alert(event: dict[str, Any]) -> str:
    payload = event.get("payload") or {}
    details = payload.get("custom_details") or {}
    rows = {"Severity": payload.get("severity"), "Source": payload.get("source"), **details}
    table = "".join(f"<tr><td>{_safe(k)}<td>{_safe(v)}" for k, v in rows.items() if v)
    summary = payload.get("summary") or f"{event['event_action']} · {event.get('dedup_key', '')}"
    tag = f"<span class='tag {_safe(event['state'])}'>{_safe(event['state'])}</span>"
    return f"<p class=bolder>{_safe(summary)} {tag}</p><table>{table}</table>"


def _asked(message: dict[str, Any]) -> str:
    found = message["answered"]
    return (
        f"<p class=subtle>{len(message['asked']):,} characters of evidence, answered with</p>"
        + (f"<pre>{_safe(found)}</pre>")
    )
