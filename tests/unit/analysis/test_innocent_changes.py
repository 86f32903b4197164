"""Incidents that no change brought about, each beside a change that a rule once mistook for it.

They were written to try the rules of ranking; all but two were answered wrongly at first.
"""

# ruff: noqa: E501  (a table: one incident a line reads better)
from __future__ import annotations

import pytest

from tests.unit.analysis.made_up import Cases, calm, deploy, event, fail
from tests.unit.analysis.scenario import change

KNOWN = Cases()
case = KNOWN.add


# fmt: off
case("dependency redeployed, says it shuts down",("","An outside provider"),
 [calm("payments"),calm("ledger"),[event(-180,"ledger","INFO Shutting down gracefully, draining 3 requests"),event(-179,"ledger","INFO shut down complete")],
  fail("payments","ERROR AcquirerClient - acquirer acq.nordpay.example answered 500 for payment {n}")],
 [deploy(-185,"ledger")],entity="payments",calls=[("payments","ledger")])
case("deploy elsewhere, whose log has down and too in it","",
 [calm("search"),calm("crm"),[event(-200,"crm","INFO pod scaled down to 2"),event(-199,"crm","INFO too few leads today")],
  fail("search","ERROR SearchController - java.lang.ArrayIndexOutOfBoundsException: Index {n} out of bounds for length 3")],
 [deploy(-210,"crm")],entity="search")
case("time.sleep in a test",("","An outside provider"),
 [calm("quotes"),fail("quotes","requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='rates.partner.example', port=443): Read timed out. (read timeout=5) {n}")],
 [change(-900,"chg-sleep","quotes","deploy","steadier tests",diff="@@ tests/test_quotes.py\n+    time.sleep(1)\n     assert page",files=["tests/test_quotes.py"])],entity="quotes")
case("another route was removed","",
 [calm("web"),calm("catalog"),fail("web","ERROR GET http://catalog/v2/price/{n} 404 Not Found")],
 [change(-1200,"chg-route","catalog","deploy","remove v0",diff="@@ app.py\n-@app.get(\"/v0/legacy-export\")\n-def legacy_export():\n-    return dump()",files=["app.py"])],entity="web",calls=[("web","catalog")])
case("a monthly job was added, not due today",("",),
 [calm("shop"),calm("shop-db"),fail("shop","ERROR: canceling statement due to statement timeout at {n}")],
 [change(-40000,"chg-month","shop-db","config","monthly report",diff="@@ crontab\n-0 4 1 * * report\n+10 22 1 * * report",files=["crontab"])],entity="shop",calls=[("shop","shop-db")])

case("dependency has errors all day, and one of a new kind",("","An outside provider"),
 [calm("payments"),calm("ledger"),calm("ledger","WARN refresh of rates failed, the old ones are used",30),[event(-170,"ledger","WARN config key rates.max is deprecated")],
  fail("payments","ERROR AcquirerClient - acquirer acq.nordpay.example answered 500 for payment {n}")],
 [deploy(-185,"ledger")],entity="payments",calls=[("payments","ledger")])
case("buckets of a histogram","",
 [calm("quotes"),fail("quotes","ERROR dial tcp 10.7.0.4:443: connect: connection refused {n}")],
 [change(-2400,"chg-hist","quotes","deploy","finer latencies",diff="@@ m.go\n-  Buckets: []float64{0.1, 1}\n+  Buckets: []float64{0.1, 0.5, 1}",files=["m.go"])],entity="quotes")
case("another major of what is in each trace","",
 [calm("stock"),fail("stock","Traceback (most recent call last):\n  File \"/usr/lib/python3/site-packages/sqlalchemy/engine/base.py\", line {n}, in connect\nsqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at \"10.0.0.7\", port 5432 failed: Connection refused")],
 [change(-18000,"chg-sa","stock","deploy","update libraries",diff="@@ requirements.txt\n-sqlalchemy==1.4.50\n+sqlalchemy==2.0.23",files=["requirements.txt"])],entity="stock")
case("an address of where to report","",
 [calm("shop"),fail("shop","ERROR 500 Internal Server Error in CartController {n}, please report it at https://github.com/acme/shop/issues/new")],
 [],entity="shop")
case("deploy elsewhere, that warned of something once","",
 [calm("search"),calm("crm"),[event(-200,"crm","WARN cache of tenant 7 was rebuilt")],
  fail("search","ERROR SearchController - java.lang.ArrayIndexOutOfBoundsException: Index {n} out of bounds for length 3")],
 [deploy(-210,"crm")],entity="search")
case("jvm: too little memory, nothing changed","A process",
 [calm("etl"),fail("etl","ERROR There is insufficient memory for the Java Runtime Environment to continue. {n}")],
 [],entity="etl")
case("a call of its own that ends in Sync","",
 [calm("crm"),fail("crm","ERROR upload timed out after 30 s, batch {n}")],
 [change(-3000,"chg-sync","crm","deploy","contacts",diff="@@ c.ts\n+  await startContactSync(user)",files=["c.ts"])],entity="crm")
# fmt: on


@pytest.mark.parametrize("made", KNOWN, ids=lambda made: made.name)
def test_an_innocent_change_is_not_blamed(made):
    made.check()
