"""Which test covers which public method of the Splunk SDK for Python.

    @covers("Job.pause", "Job.unpause")
    def test_a_paused_search_stands_still(...)

The fixture in conftest.py fails a test that does not call what it says it covers, so the table in
the stand-in's README, which ``python -m tests.contract.sdk.covering`` writes, is true by test.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import splunklib.client
import splunklib.results

__all__ = ["NOT_COVERED", "covers", "document", "methods", "resolve", "table"]

README = Path(__file__).parents[3] / "tools/splunkd_lite/README.md"
BEGIN, END = "<!-- methods of the SDK: written by tests.contract.sdk.covering -->", "<!-- end -->"
CLASSES = (
    "KVStoreCollections", "KVStoreCollection", "KVStoreCollectionData", "StoragePasswords",
    "StoragePassword", "SavedSearches", "SavedSearch", "Jobs", "Job", "Configurations",
    "ConfigurationFile", "Stanza", "Message", "Service", "Endpoint", "Entity", "ReadOnlyCollection",
    "Collection", "AlertGroup", "Application", "Index", "Indexes", "Input", "Inputs", "Loggers",
    "Macros", "Macro", "ModularInputKind", "Role", "Roles", "Settings", "User", "Users",
)  # fmt: skip
NOT_COVERED = {
    "Application.package": "no packaging of apps over REST",
    "Application.setupInfo": "no setup pages",
    "Application.updateInfo": "nothing is looked up on Splunkbase",
    "Index.attach": "a bare socket without a length of its body is not read",
    "Index.attached_socket": "as `Index.attach`",
    "Index.clean": "needs retention, which is not there",
    "Index.roll_hot_buckets": "an index has no buckets",
    "Index.upload": "no oneshot inputs",
    "Inputs.itemmeta": "the SDK's own method cannot run: it reads an attribute it never sets",
    "Inputs.oneshot": "no oneshot inputs",
    "Service.restart": "the stand-in is started again by who started it",
    "Service.splunk_instance": "how a service names itself; nothing is called",
}
Test = TypeVar("Test", bound=Callable[..., Any])


def covers(*names: str) -> Callable[[Test], Test]:
    """Marks a test as covering methods, each ``Class.method`` of ``splunklib.client``."""
    mark: Callable[[Test], Test] = pytest.mark.covers(*names)
    return mark


def resolve(name: str) -> tuple[type, str]:
    """The class and the name of a method.

    Raises:
        ValueError: the class itself has no such public method.
    """
    owner, _, method = name.partition(".")
    if name not in methods():
        raise ValueError(f"The SDK has no method {name}.")
    return getattr(splunklib.client, owner), method


def methods() -> list[str]:
    """All public methods and properties of the classes, each where it is defined."""
    found = []
    for owner in CLASSES:
        for name, value in vars(getattr(splunklib.client, owner)).items():
            if not name.startswith("_") and (inspect.isfunction(value) or _is_property(value)):
                found.append(f"{owner}.{name}")
    return found


def _is_property(value: object) -> bool:
    return isinstance(value, property)


def _tests() -> Iterator[tuple[str, str]]:
    """Each method that a test of this folder says it covers, with the test."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.contract.sdk.{path.stem}")
        for name, value in vars(module).items():
            for mark in getattr(value, "pytestmark", []) if name.startswith("test_") else []:
                if mark.name == "covers":
                    yield from ((method, f"{path.stem}: {name}") for method in mark.args)


def table() -> dict[str, list[str]]:
    """Method to tests, in the order of :func:`methods`."""
    found: dict[str, list[str]] = {name: [] for name in methods()}
    for method, test in _tests():
        found[method].append(test)
    return found


def document() -> str:
    """The README's section."""
    lines = ["| method | test, all in `tests/contract/sdk/` |", "|---|---|"]
    for method, tests in table().items():
        shown = f"`{tests[0].replace(': ', '`, `')}`" if tests else f"none: {NOT_COVERED[method]}"
        lines.append(f"| `{method}` | {shown} |")
    covered = sum(bool(tests) for tests in table().values())
    head = f"{covered} of {len(table())} public methods and properties of its classes are covered."
    return "\n".join([BEGIN, head, "", *lines, END])


def main() -> None:
    """Write the section into the README."""
    text = README.read_text(encoding="utf-8")
    start, end = text.index(BEGIN), text.index(END) + len(END)
    README.write_text(text[:start] + document() + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
