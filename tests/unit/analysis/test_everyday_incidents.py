"""Incidents of every day, and changes elsewhere that could have done it and did not.

The first were missed at first sight; of the others, the innocent change was blamed in all but one.
"""

# ruff: noqa: E501  (a table: one incident a line reads better)
from __future__ import annotations

import pytest

from tests.unit.analysis.made_up import Cases, MadeUp, calm, deploy, fail
from tests.unit.analysis.scenario import change

DISK, CRED, QUOTA = "A disk is full", "A credential has expired", "A quota"

KNOWN = Cases()
case = KNOWN.add


# fmt: off
case("dns resolver dropped by node-local config push","chg-ndots",
 [calm("orders"),calm("catalog"),fail("orders","ERROR dial: lookup payments on 169.254.20.10:53: server misbehaving"),fail("catalog","ERROR could not resolve host: search.internal",begin=24)],
 [change(-110,"chg-ndots","node-local-dns","config","raise cache size",changes={"forward":{"from":"10.0.0.2","to":"10.0.0.20"}}),deploy(-300,"orders")])
case("disk full by logrotate removed","chg-logrotate",
 [calm("gateway"),fail("gateway","nginx: [alert] write() to \"/var/log/nginx/access.log\" failed (28: No space left on device)","ERROR 500 open() \"/var/lib/nginx/tmp/{n}\" failed (28: No space left on device)")],
 [change(-9000,"chg-logrotate","gateway","config","clean up cron files",diff="@@ etc/logrotate.d/nginx\n-/var/log/nginx/*.log {\n-  rotate 7\n-  size 200M\n-}",files=["etc/logrotate.d/nginx"]),deploy(-240,"gateway")],entity="gateway")
case("java deadlock after refactor","chg-locks",
 [calm("ledger"),fail("ledger","ERROR Found one Java-level deadlock: \"transfer-7\": waiting to lock monitor 0x00007f (object com.shop.Account), which is held by \"transfer-9\"","ERROR transfer {n} timed out waiting for Account lock")],
 [change(-1300,"chg-locks","ledger","deploy","simplify transfers",diff="@@ src/Transfer.java\n-  Account first = a.id() < b.id() ? a : b;\n-  synchronized (first) {\n+  synchronized (a) {\n+    synchronized (b) {",files=["src/Transfer.java"]),deploy(-150,"web")],entity="ledger")
case("bad regex in waf rule push","chg-waf",
 [calm("edge"),fail("edge","ERROR worker cpu 100% saturated for 12s","ERROR 502 worker exited on signal 9")],
 [change(-40,"chg-waf","edge","config","new rule against XSS",diff="@@ waf/rules.lua\n+rule(100542, [[(?:(?:\"|'|\\]|\\}|\\\\|\\d|(?:nan|infinity|true|false|null|undefined|symbol|math)|\\`|\\-|\\+)+[)]*;?((?:\\s|-|~|!|{}|\\|\\||\\+)*.*(?:.*=.*)))]])",files=["waf/rules.lua"]),deploy(-500,"orders")],entity="edge")
case("feature flag opens an n+1",("chg-flag9",),
 [calm("catalog"),fail("catalog","ERROR statement timeout in RelatedItemsLoader after 3000 ms","WARN RelatedItemsLoader issued 412 queries for one page")],
 [change(-55,"chg-flag9","catalog","flag","related-items to 50%"),deploy(-2600,"catalog")],entity="catalog")
case("quota of sms provider",QUOTA,
 [calm("notify"),fail("notify","ERROR twilio: HTTP 429 error: Account exceeded the daily messages limit (code 63038)")],
 [deploy(-700,"notify")],entity="notify")
case("metrics endpoint elsewhere",("",),[calm("orders"),calm("metrics"),fail("orders","ERROR dial tcp 10.5.1.1:5432: connect: connection refused")],
 [change(-200,"chg-m","metrics","config","new collector",changes={"remote_write.url":{"from":"http://a.internal","to":"http://b.internal"}})])
case("retention elsewhere",(DISK,),[calm("orders"),calm("logs"),fail("orders","ERROR write failed: No space left on device")],
 [change(-200,"chg-r","logs","config","tidy",diff="@@ x\n-  retention: 7d\n+",files=["logs.yml"])])
case("limit elsewhere, timeouts",("",),[calm("orders"),calm("mailer"),fail("orders","ERROR request timed out after 3000 ms")],
 [change(-200,"chg-l","mailer","config","smaller batches",changes={"smtp.timeout_ms":{"from":5000,"to":2000}})])
case("lock elsewhere, deadlock",("",),[calm("orders"),calm("mailer"),fail("orders","ERROR Deadlock found when trying to get lock")],
 [change(-200,"chg-l","mailer","deploy","queue",diff="@@ q.java\n+  synchronized (queue) {",files=["q.java"])])
case("vault password elsewhere for another user",("",CRED),[calm("orders"),fail("orders","ERROR password authentication failed for user \"orders_rw\"")],
 [change(-200,"chg-v","vault","config","rotate credentials of billing_rw")])
case("flag coincidence",("",),[calm("orders"),fail("orders","ERROR read-only transaction: cannot execute UPDATE")],
 [change(-200,"chg-f","web","flag","checkout-banner to 10%")])
case("regex elsewhere",("",),[calm("orders"),calm("web"),fail("orders","ERROR worker cpu 100% saturated")],
 [change(-200,"chg-x","web","deploy","validate phone",diff="@@ web.js\n+const PHONE = /^(?:\\+49|0)[0-9]+$/",files=["web.js"])])
case("payment provider down", "An outside provider",
 [calm("checkout"), fail("checkout", "ERROR POST https://api.paypal.com/v2/checkout/orders -> 503 Service Unavailable")],
 [deploy(-360, "checkout")], entity="checkout")
# fmt: on


@pytest.mark.parametrize("made", KNOWN, ids=lambda made: made.name)
def test_the_change_that_did_it_is_blamed_and_no_other(made):
    made.check()


def test_work_on_what_a_service_calls_is_worth_a_look_though_nothing_proves_it():
    upgrade = change(-30, "chg-redis", "redis", "maintenance", "upgrade redis to 7.2")
    logs = [*calm("catalog"), *fail("catalog", "ERROR query timeout after 2000 ms")]
    made = MadeUp("redis", ("",), logs, [upgrade], "catalog", [("catalog", "redis")])
    answer, found = made.solve()
    assert answer == "" and found[0].change_id == "chg-redis" and found[0].near
