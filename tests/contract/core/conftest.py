"""One stand-in per test, with an app of our own in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin import StandIn, start_standin

APP = "shop"
FILES = {
    "default/app.conf": "[ui]\nlabel = The Shop\nis_visible = 1\n[launcher]\nversion = 1.2.3\n",
    "default/collections.conf": """
[orders]
field.total = number
field.paid = bool
accelerated_fields.by_total = {"total": 1}

[strict]
enforceTypes = true
field.total = number

[private]
""",
    "default/transforms.conf": """
[orders_lookup]
external_type = kvstore
collection = orders
fields_list = _key, total, customer.name, items.name, tags

[countries]
filename = countries.csv
""",
    "default/savedsearches.conf": """
[Errors]
search = index=main error
cron_schedule = */5 * * * *
enableSched = 1
dispatch.earliest_time = -5m
dispatch.latest_time = now

[Shared everywhere]
search = index=main
""",
    "default/authorize.conf": """
[capability::shop_approve]

[role_shop_manager]
importRoles = user
shop_approve = enabled
""",
    "default/indexes.conf": "[shop]\n",
    "lookups/countries.csv": "code,name\nde,Germany\nfr,France\n",
    "metadata/default.meta": """
[]
access = read : [ * ], write : [ admin, shop_manager ]

[savedsearches/Shared%20everywhere]
export = system

[collections/private]
access = read : [ admin ], write : [ admin ]
""",
}


def write_app(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Lay out an app and return its folder."""
    for name, text in (files or FILES).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "source" / APP)


@pytest.fixture
def standin(tmp_path: Path, app: Path) -> Iterator[StandIn]:
    with start_standin(tmp_path, [app]) as running:
        yield running
