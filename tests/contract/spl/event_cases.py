"""Searches over events, lookup tables and endpoints, where rows alone do not do.

Each runs in a context of its own: the events, tables and endpoints below, and the time range from
2023-11-14 21:00 to 22:20 (UTC).
"""

from __future__ import annotations

from typing import Any

from tests.contract.spl.memory import NOW, MemoryContext, MemoryTable, event
from tests.contract.spl.oracles import EXAMPLE, RULE, Row, column, rows

SPL = "search-commands/"
COMPARISON = "evaluation-functions/comparison-and-conditional-functions"
MODIFIERS = "time-format-variables-and-modifiers/time-modifiers"

EventCase = tuple[str, str, list[Row], str]
"""(page, search, rows that it gives, kind)."""


def searches(page: str, kind: str, *cases: tuple[str, list[Row]]) -> list[EventCase]:
    """Cases of one page and kind: searches, and the rows that each gives."""
    return [(page, search, expected, kind) for search, expected in cases]


def context() -> MemoryContext:
    """A fresh context, so that a search that writes disturbs no other."""
    return MemoryContext(
        events=[event(raw, time, **fields) for raw, time, fields in EVENTS],
        tables={name: MemoryTable(table) for name, table in TABLES.items()},
        endpoints=ENDPOINTS,
        confs={"transforms": {"ipv6test": {"match_type": "CIDR(ip)"}}},
        earliest=NOW - 4400,
        latest=NOW + 400,
    )


EVENTS: list[tuple[str, float, dict[str, Any]]] = [
    ("action=login user=ann ip=10.10.10.12 status=404 web error", NOW - 60, {"host": "web01"}),
    ('action=buy user=bob ip=50.10.10.17 status=200 "database error"', NOW - 120, {}),
    ("action=login user=cem ip=10.10.10.23 status=503 failed", NOW - 3700, {"host": "web02"}),
]
_IPV6 = "2001:0db8:ffff:ffff:ffff:ffff:ffff:ff"
TABLES: dict[str, list[Row]] = {
    "usertogroup": rows("user group", ("ann", "admins"), ("bob", "staff")),
    "prices_lookup": rows("Code product_name price", ("A", "Mediocre Kingdoms", "24.99"),
                          ("B", "Dream Crusher", "39.99"), ("C", "Final Sequel", "24.99")),
    "http_status.csv": rows("status status_type status_description",
                            ("200", "Successful", "OK"), ("201", "Successful", "Created"),
                            ("404", "Client Error", "Not Found")),
    "kvstorecoll_lookup": rows("CustID CustName", ("501", "Paul"), ("7", "Pia"), ("900", "Zed")),
    "ipv6test": rows("ip expected", (f"{_IPV6}00/120", "true")),
    "users.csv": rows("A D J", ("1", "2", "3")),
    "states": rows("country state", ("IN", "AS"), ("DE", "BY")),
    "clients": column("clientip", "211.166.11.101", "182.236.164.11", "10.0.0.1"),
    "codes": rows("code host xqp", ("10", "a", "6"), ("29", "localhost", "9"), ("29", "b", "5"),
                  ("11", "c", "7")),
    "numbers": column("n", "1", "1.0", "10", "9"),
    "left": rows("product_id a", ("1", "x"), ("2", "y")),
    "vendors": rows("product_id vendor", ("1", "v1"), ("1", "v2"), ("3", "v3")),
    "hosts": column("ip", "1.2.3.4", "5.6.7.8", "this.is.a.hostname"),
}  # fmt: skip
ENDPOINTS: dict[str, list[dict[str, Any]]] = {
    "/services/saved/searches": [
        {"title": "one", "search": "sourcetype=speccsv"},
        {"title": "two", "search": "index=_internal"},
    ],
    "/servicesNS/-/myapp/myapp/endpoint": [
        {"name": "world", "fish": "salmon"},
        {"name": "muu", "fish": "whale"},
    ],
}
_SUBNET = '| makeresults | eval ip="{}" | search ip="{}" | table ip'
_LOGINS = column("user", "ann", "cem")
_STATUS = (
    '| makeresults | eval type="Successful", status="200" | eval output=lookup({}) | table output'
)

WRITTEN: list[tuple[str, list[Row]]] = [
    ('| makeresults | eval A="4", C="5", J="6" | table A C J | outputlookup users.csv',
     rows("A C J", ("4", "5", "6"))),
    ("| makeresults | where 1=2 | outputlookup users.csv override_if_empty=false",
     rows("A D J", ("1", "2", "3"))),
    ("| makeresults count=3 | streamstats count AS A | table A | outputlookup users.csv max=2",
     column("A", "1", "2")),
]  # fmt: skip
"""What outputlookup leaves in users.csv."""

EVENT_CASES: list[EventCase] = [
    # search
    *searches(SPL + "search", EXAMPLE,
        (_SUBNET.format("192.0.2.56", "192.0.2.0/24"), column("ip", "192.0.2.56")),
        (_SUBNET.format(f"{_IPV6}99", f"{_IPV6}00/120"), column("ip", f"{_IPV6}99")),
        ('index=main ip="10.10.10.0/24" | table ip', column("ip", "10.10.10.12", "10.10.10.23")),
    ),
    *searches(SPL + "search", RULE,
        ("index=main web error | table user", column("user", "ann")),
        ("index=main web AND error | table user", column("user", "ann")),
        ('index=main "database error" | table user', column("user", "bob")),
        ("index=main error NOT (web OR fail) | table user", column("user", "bob")),
        ("index=main fail* | table user", column("user", "cem")),
        ("index=main WEB | table user", column("user", "ann")),
        ("index=main CASE(WEB) | table user", []),
        ("index=main TERM(ip=10.10.10.12) | table user", column("user", "ann")),
        ("index=main status=4* OR status=5* | table user", _LOGINS),
        ("index=main status IN(4*, 5*) | table user", _LOGINS),
        ("index=main action IN (login, purchase) | table user", _LOGINS),
        ("index=main status!=404 | table user", column("user", "bob", "cem")),
        ("index=main status>200 | table user", _LOGINS),
        ("index=main NOT nothing=* user=ann | table user", column("user", "ann")),
        ("index=main nothing!=* | table user", []),
        ("index=main user=ann action=login OR action=buy | table user", column("user", "ann")),
        ("index=main user=action | table user", []),
        ("index=main | stats count by action | search count>1", rows("action count",
            ("login", "2"))),
        ('| inputlookup states | search country="IN"', rows("country state", ("IN", "AS"))),
        ("| inputlookup clients | search NOT clientip IN (211.166.11.101, 182.236.164.11)",
         column("clientip", "10.0.0.1")),
        ('| inputlookup codes | search (code=10 OR code=29) host!="localhost" xqp>5',
         rows("code host xqp", ("10", "a", "6"))),
        ('| inputlookup codes | search code IN(10, 29) host!="localhost" xqp>5',
         rows("code host xqp", ("10", "a", "6"))),
        ("| inputlookup numbers | search n=1", column("n", "1")),
        ("| inputlookup numbers | search n!=1", column("n", "1.0", "10", "9")),
        ("| inputlookup numbers | search n>9", column("n", "10")),
        ('| inputlookup hosts | search ip="0.0.0.0/0"', column("ip", "1.2.3.4", "5.6.7.8")),
        ("index=main user=bob host=WEB01 | table user", column("user", "bob")),
        ("index=main [| inputlookup usertogroup where group=admins | return user] | table user",
         column("user", "ann")),
    ),
    *searches(MODIFIERS, RULE,
        ("index=main earliest=-1h | table user", column("user", "ann", "bob")),
        ("index=main earliest=-60m | table user", column("user", "ann", "bob")),
        ("index=main latest=-1h | table user", column("user", "cem")),
        ("index=main earliest=-2h@h latest=-1h@h | table user", []),
        ("index=main (earliest=-24h latest<@h) OR (earliest>=@h+12m) | table user", _LOGINS),
        ('index=main earliest="11/14/2023:22:00:00" latest="11/14/2023:22:12:00" | table user',
         column("user", "bob")),
        ("index=main _index_earliest=-90s | table user", column("user", "ann")),
    ),
    (COMPARISON, '| makeresults 1 | eval _raw="x=hi y=bye" | eval x="hi" | eval y="bye" '
     '| eval test=if(searchmatch("x=hi y=*"), "yes", "no") | table test', column("test", "yes"),
     EXAMPLE),
    (COMPARISON, _STATUS.format('"http_status.csv", json_object("status_type", type), '
     'json_array("status_description")'),
     column("output", '{"status_description":["OK","Created"]}'), RULE),
    (COMPARISON, _STATUS.format('"http_status.csv", json_object("status_type", type, "status", '
     'status), json_array("status_description")'),
     column("output", '{"status_description":"OK"}'), EXAMPLE),
    # eval
    *searches(SPL + "eval", EXAMPLE,
        ('| makeresults | eval field1="counter", {field1}="1234" | table counter field1',
         rows("counter field1", ("1234", "counter"))),
        ('| makeresults | eval aName="counter", aValue=1234 | eval {aName}=aValue '
         "| table counter", column("counter", "1234")),
        ('| makeresults | eval a="na.lui@sample.net" | eval accountname=split(a,"@"), '
         "from_user=mvindex(accountname,0), from_domain=mvindex(accountname,-1) "
         "| table from_user, from_domain",
         rows("from_user from_domain", ("na.lui", "sample.net"))),
        ("| makeresults | eval \"first  \" = 123 | eval second='first  ' | table second",
         column("second", "123")),
    ),
    *searches(SPL + "eval", RULE,
        ('| makeresults | eval username="AB" | eval low-user = lower(username) '
         "| table low-user", column("low-user", "ab")),
        ('| makeresults | eval first_name="A", last_name="B" | eval full_name = first_name." "'
         ".last_name, low_name = lower(full_name) | table low_name", column("low_name", "a b")),
        ("| makeresults | eval 'server-1'=2, count=1 | eval new=count+'server-1' | table new",
         column("new", "3")),
        ("| makeresults | eval x=1 | eval x=null() | table x", [{}]),
    ),
    *searches("evaluation-functions/statistical-eval-functions", EXAMPLE,
        ('| makeresults | eval a = 5.0, b = "9", x = avg(a, b, c) '
         "| table x", column("x", "7")),
        ('| makeresults | eval a="1", c=avg(a, 2, 3) | table a c',
         rows("a c", ("1", "2"))),
        ('| makeresults | eval a="somedata", c=avg(a, 2, 3) '
         "| table a c", rows("a c", ("somedata", "2.5"))),
    ),
    *searches("evaluation-functions/mathematical-functions", EXAMPLE,
        ('| makeresults | eval a = 5.0, b = "9", x = sum(a, b, c) '
         "| table x", column("x", "14")),
        ('| makeresults | eval a="1", c=sum(a, 2, 3) | table c',
         column("c", "6")),
        ('| makeresults | eval a="somedata", c=sum(a, 2, 3) | table c',
         column("c", "5")),
        ("| makeresults count=10000 | eval test=3.99 "
         "| stats avg(test) AS test | eval new_test=sigfig(test*1.00) | table new_test",
         column("new_test", "3.99")),
    ),
    *searches("evaluation-functions/multivalue-eval-functions", RULE,
        ('| makeresults | eval email=split("a@x.net b@y.com c@z.org", " ") '
         r'| eval n=mvfilter(match(email, "\.net$") OR match(email, "\.org$")) | table n',
         [{"n": ["a@x.net", "c@z.org"]}]),
        ('| makeresults | eval results=split("1 2 3", " "), n=mvmap(results, results*10) '
         "| table n", [{"n": ["10", "20", "30"]}]),
        ('| makeresults | eval results=split("1 2 3", " "), threshold=2, '
         "n=mvmap(results, results*threshold) | table n", [{"n": ["2", "4", "6"]}]),
        ('| makeresults | eval results=split("1 2 3", " "), threshold=2, '
         "n=mvmap(mvindex(results, 1,2), results*threshold) | table n", [{"n": ["4", "6"]}]),
    ),
    # makeresults
    *searches(SPL + "makeresults", EXAMPLE,
        ('| makeresults | eval newfield="some value" | table newfield',
         column("newfield", "some value")),
        ("| makeresults count=5 | streamstats count | table count",
         column("count", "1", "2", "3", "4", "5")),
        ('| makeresults | eval test="buttercup rarity tenderhoof dash" | makemv delim=" " test '
         "| mvexpand test | table test",
         column("test", "buttercup", "rarity", "tenderhoof", "dash")),
    ),
    *searches(SPL + "makeresults", RULE,
        ("| makeresults count=3 | stats count", column("count", "3")),
        ("| makeresults", [{"_time": "1700000000"}]),
        ('| makeresults format=csv data="name, age\nJohn,35\nSarah,39" | table name age',
         rows("name age", ("John", "35"), ("Sarah", "39"))),
        (r'| makeresults format=json data="[{\"name\":\"John\", \"age\":35}, '
         r'{\"name\":\"Sarah\", \"age\":39}]" | table name age',
         rows("name age", ("John", "35"), ("Sarah", "39"))),
        ("| makeresults annotate=true | fields - _time", column("splunk_server", "local")),
    ),
    # lookups
    *searches(SPL + "lookup", EXAMPLE,
        (f'| makeresults | eval ip="{_IPV6}99" | lookup ipv6test ip OUTPUT expected '
         "| table expected", column("expected", "true")),
    ),
    *searches(SPL + "lookup", RULE,
        ('| makeresults | eval local_user="ann" | lookup usertogroup user as local_user OUTPUT '
         "group as user_group | table user_group", column("user_group", "admins")),
        ('| makeresults | eval local_user="zed" | lookup usertogroup user as local_user OUTPUT '
         "group as user_group | table user_group", [{}]),
        ('| makeresults | eval Code="B" | lookup prices_lookup Code OUTPUTNEW product_name '
         "| table Code product_name", rows("Code product_name", ("B", "Dream Crusher"))),
        ('| makeresults | eval Code="B" | lookup prices_lookup Code | table product_name price',
         rows("product_name price", ("Dream Crusher", "39.99"))),
        ('| makeresults | eval user="ann", group="own" | lookup usertogroup user OUTPUT group '
         "| table group", column("group", "admins")),
        ('| makeresults | eval user="ann", group="own" | lookup usertogroup user OUTPUTNEW group '
         "| table group", column("group", "own")),
    ),
    *searches(SPL + "inputlookup", RULE,
        ("| inputlookup usertogroup", TABLES["usertogroup"]),
        ("| inputlookup usertogroup start=1", TABLES["usertogroup"][1:]),
        ("| inputlookup usertogroup max=1", TABLES["usertogroup"][:1]),
        ('| inputlookup kvstorecoll_lookup where (CustID>500) AND (CustName="P*") | stats count',
         column("count", "1")),
        ("| inputlookup usertogroup where NOT user=ann OR group=none", TABLES["usertogroup"][1:]),
        ("| makeresults | eval x=1 | table x | inputlookup append=t usertogroup",
         [{"x": "1"}, *TABLES["usertogroup"]]),
    ),
    *searches(SPL + "outputlookup", RULE, *(
        (f"{search} | append [| inputlookup users.csv] | tail {len(left)} | reverse", left)
        for search, left in WRITTEN
    )),
    # joining
    *searches(SPL + "join", RULE,
        ("| inputlookup left | join product_id [| inputlookup vendors]",
         rows("product_id a vendor", ("1", "x", "v1"))),
        ("| inputlookup left | join product_id max=0 [| inputlookup vendors]",
         rows("product_id a vendor", ("1", "x", "v1"), ("1", "x", "v2"))),
        ("| inputlookup left | join type=left product_id [| inputlookup vendors]",
         [{"product_id": "1", "a": "x", "vendor": "v1"}, {"product_id": "2", "a": "y"}]),
        ("| inputlookup left | join type=outer product_id [| inputlookup vendors] | stats count",
         column("count", "2")),
        ("| inputlookup left | join [| inputlookup vendors]",
         rows("product_id a vendor", ("1", "x", "v1"))),
        ("| inputlookup left | join product_id [| inputlookup vendors | eval a=vendor] | table a",
         column("a", "v1")),
        ("| inputlookup left | join overwrite=f product_id [| inputlookup vendors "
         "| eval a=vendor] | table a", column("a", "x")),
        ('| makeresults | eval k="ABC" | table k | join k [| makeresults | eval k="abc", b=1]',
         []),
    ),
    *searches(SPL + "append", RULE,
        ("index=main | stats count by action | append [search index=main | stats count]",
         [*rows("action count", ("buy", "1"), ("login", "2")), {"count": "3"}]),
        ("| inputlookup left | append maxout=1 [| inputlookup left] | stats count",
         column("count", "3")),
        ("index=main | stats dc(user) BY action | append [search index=main | top 1 user BY "
         "action showperc=f] | table action, dc(user), user, count | head 2",
         rows("action dc(user)", ("buy", "1"), ("login", "2"))),
    ),
    *searches(SPL + "appendcols", RULE,
        ("| inputlookup left | appendcols [| inputlookup vendors | fields vendor | head 1]",
         [{"product_id": "1", "a": "x", "vendor": "v1"}, {"product_id": "2", "a": "y"}]),
        ("| makeresults | eval a=1 | table a | appendcols [| makeresults | eval a=2, b=3]",
         rows("a b", ("1", "3"))),
        ("| makeresults | eval a=1 | table a | appendcols override=true [| makeresults "
         "| eval a=2]", column("a", "2")),
    ),
    # over the index
    *searches(SPL + "tstats", RULE,
        ("| tstats count WHERE index=main", column("count", "3")),
        ("| tstats count WHERE index=main host=web01 by source",
         rows("source count", ("/var/log/app.log", "2"))),
        ("| tstats count where index=main host IN (web0*) by host",
         rows("host count", ("web01", "2"), ("web02", "1"))),
        ("| tstats values(host) where index=main", column("values(host)", ["web01", "web02"])),
        ("| tstats min(_time) AS min, max(_time) AS max where index=main",
         rows("min max", ("1699996300", "1699999940"))),
        ("| tstats count WHERE index=main BY _time span=1h",
         rows("_time count", ("1699995600", "1"), ("1699999200", "2"))),
        ("| tstats count where index=main earliest=-1h", column("count", "2")),
    ),
    (SPL + "addinfo", "index=main | head 1 | addinfo | table info_min_time info_max_time "
     "info_search_time", rows("info_min_time info_max_time info_search_time",
                              ("1699995600", "1700000400", "1700000000")), RULE),
    (SPL + "addinfo", "index=main | stats latest(_time) AS latest_time BY host | addinfo "
     "| eval latest_age = info_max_time - latest_time | fields - info_* | where latest_age > 600 "
     "| table host latest_age", rows("host latest_age", ("web02", "4100")), RULE),
    *searches(SPL + "collect", RULE,
        ('| makeresults | eval application="buttercupgames.com", version="2.0" '
         "| collect index=summary source=devtest | table application version",
         rows("application version", ("buttercupgames.com", "2.0"))),
        ('| makeresults | eval application="buttercupgames.com" | table _time application '
         "| collect index=summary source=devtest | append [search index=summary "
         "source=devtest sourcetype=stash | table _raw] | tail 1 | table _raw",
         column("_raw", "11/14/2023 22:13:20 +0000, info_min_time=1699995600.000, "
                "info_max_time=1700000400.000, info_search_time=1700000000.000, "
                'application="buttercupgames.com"')),
        ("index=main user=ann | collect index=bar | append [search index=bar | table _raw] "
         "| tail 1 | table _raw", column("_raw", EVENTS[0][0])),
        ("| makeresults | eval a=1 | collect index=bar testmode=true | append "
         "[search index=bar] | stats count", column("count", "1")),
        ("| makeresults | table _time | eval a=1 | collect index=bar addinfo=false "
         'marker="search_name=x" | append [search index=bar | table _raw] | tail 1 '
         "| table _raw", column("_raw", "11/14/2023 22:13:20 +0000, a=1, search_name=x")),
    ),
    *searches(SPL + "rest", RULE,
        ("| rest /services/saved/searches splunk_server=local | rename search AS saved_search "
         "| fields title, saved_search | search saved_search=*speccsv*",
         rows("title saved_search", ("one", "sourcetype=speccsv"))),
        ("| rest /servicesNS/-/myapp/myapp/endpoint | table name fish",
         rows("name fish", ("world", "salmon"), ("muu", "whale"))),
    ),
    *searches(SPL + "fieldformat", EXAMPLE,
        ("| makeresults | eval totalCount=39532 | table totalCount "
         '| fieldformat totalCount=tostring(totalCount, "commas")',
         column("totalCount", "39,532")),
        ("| makeresults | eval totalCount=112421 | table totalCount "
         '| fieldformat totalCount=tostring(totalCount, "commas")',
         column("totalCount", "112,421")),
    ),
    *searches(SPL + "fieldformat", RULE,
        ("| makeresults | eval start_time=1594163138 | table start_time "
         '| fieldformat start_time = strftime(start_time, "%H:%M:%S")',
         column("start_time", "23:05:38")),
        ('| makeresults | eval totalSales=1234.56 | table totalSales '
         '| fieldformat totalSales="$".tostring(totalSales,"commas")',
         column("totalSales", "$1,234.56")),
    ),
]  # fmt: skip
