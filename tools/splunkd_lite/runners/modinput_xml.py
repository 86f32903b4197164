"""The XML that modular inputs speak.

Sources: "Modular inputs: set up streaming", "Define a scheme for introspection" and "Set up
external validation" in Splunk's Developing Views and Apps, 9.x/10.0.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .errors import ProcessFailed

__all__ = ["EventReader", "Header", "Scheme", "StreamedEvent", "input_xml", "validation_xml"]


@dataclass(frozen=True)
class Header:
    """What every input is told about the server."""

    server_host: str
    server_uri: str
    session_key: str
    checkpoint_dir: str


@dataclass(frozen=True)
class Scheme:
    """What ``--scheme`` answers."""

    title: str
    description: str = ""
    xml_streaming: bool = False
    single_instance: bool = False
    external_validation: bool = False
    args: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def parse(cls, text: bytes) -> Scheme:
        """Raises:
        ProcessFailed: it is not a scheme.
        """
        try:
            root = ET.fromstring(text)
        except ET.ParseError as error:
            raise ProcessFailed(f"its scheme is not XML: {error}") from error
        if root.tag != "scheme":
            raise ProcessFailed(f"its scheme's root is <{root.tag}>, not <scheme>")
        mode = root.findtext("streaming_mode", "simple").strip()
        if mode not in ("xml", "simple"):
            raise ProcessFailed(f"its streaming_mode is '{mode}', neither xml nor simple")
        return cls(
            title=root.findtext("title", ""),
            description=root.findtext("description", ""),
            xml_streaming=mode == "xml",
            single_instance=_true(root.findtext("use_single_instance", "false")),
            external_validation=_true(root.findtext("use_external_validation", "false")),
            args=[_argument(node) for node in root.findall("./endpoint/args/arg")],
        )


@dataclass
class StreamedEvent:
    """One ``<event>``: its text, and what it says of itself (None where it does not)."""

    data: str
    stanza: str | None = None
    time: float | None = None
    unbroken: bool = False
    done: bool = False
    fields: dict[str, str] = field(default_factory=dict)


def input_xml(header: Header, stanzas: Mapping[str, Mapping[str, str]], app: str) -> bytes:
    """What an input reads on stdin when it is to stream events."""
    root = _with_header("input", header)
    configuration = ET.SubElement(root, "configuration")
    for name, settings in stanzas.items():
        stanza = ET.SubElement(configuration, "stanza", name=name, app=app)
        _add_params(stanza, settings)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def validation_xml(header: Header, name: str, settings: Mapping[str, str]) -> bytes:
    """What an input reads on stdin with ``--validate-arguments``."""
    root = _with_header("items", header)
    _add_params(ET.SubElement(root, "item", name=name), settings)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


class EventReader:
    """Takes the bytes of a ``<stream>`` as they come and gives the events that are whole."""

    def __init__(self) -> None:
        self._parser: ET.XMLPullParser[Any] = ET.XMLPullParser(["start", "end"])
        self._root: ET.Element | None = None

    def feed(self, data: bytes) -> Iterator[StreamedEvent]:
        """Raises:
        ProcessFailed: the stream is not well-formed, or its root is not ``<stream>``.
        """
        try:
            self._parser.feed(data)
            for kind, node in cast("Iterable[tuple[str, ET.Element]]", self._parser.read_events()):
                yield from self._see(kind, node)
        except ET.ParseError as error:
            raise ProcessFailed(f"its event stream is not XML: {error}") from error

    def _see(self, kind: str, node: ET.Element) -> Iterator[StreamedEvent]:
        if kind == "start":
            if self._root is None:
                if node.tag != "stream":
                    raise ProcessFailed(f"its event stream starts with <{node.tag}>")
                self._root = node
        elif node.tag == "event":
            yield _event(node)
            assert self._root is not None  # its start came first
            self._root.clear()


def _event(node: ET.Element) -> StreamedEvent:
    time = (node.findtext("time") or "").strip()
    try:
        moment = float(time) if time else None
    except ValueError as error:
        raise ProcessFailed(f"an event's time is '{time}', not epoch seconds") from error
    keys = ("source", "sourcetype", "index", "host")
    return StreamedEvent(
        data=node.findtext("data") or "",
        stanza=node.get("stanza"),
        time=moment,
        unbroken=_true(node.get("unbroken", "0")),
        done=node.find("done") is not None,
        fields={key: text for key in keys if (text := node.findtext(key))},
    )


def _with_header(tag: str, header: Header) -> ET.Element:
    root = ET.Element(tag)
    for name, value in vars(header).items():
        ET.SubElement(root, name).text = value
    return root


def _add_params(node: ET.Element, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        ET.SubElement(node, "param", name=name).text = value


def _argument(node: ET.Element) -> dict[str, Any]:
    return {
        "name": node.get("name", ""),
        "title": node.findtext("title", ""),
        "description": node.findtext("description", ""),
        "data_type": node.findtext("data_type", "string"),
        "validation": node.findtext("validation", ""),
        "required_on_create": _true(node.findtext("required_on_create", "true")),
        "required_on_edit": _true(node.findtext("required_on_edit", "false")),
    }


def _true(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "t", "yes")
