"""Searches over small tables, with what Splunk's manual says that they give.

Each case is (page, input rows, search after the input, expected rows). Pages are below
https://help.splunk.com/en/splunk-enterprise/ ; tables are facts, the wording is ours. A null cell
is absent.
"""
# ruff: noqa: E501 - tables read best on one line

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
SPL = "spl-search-reference/9.4/search-commands/"
SPL2 = "search/spl2-search-reference/"

LOGONS = [
    {"host": "x", "action": "LOGON", "bytes": "100"},
    {"host": "y", "action": "APP_START", "bytes": "200"},
    {"host": "x", "action": "FILE_DOWNLOAD", "bytes": "400"},
    {"host": "x", "action": "REBOOT", "bytes": "50"},
    {"host": "y", "action": "LOGON", "bytes": "150"},
    {"host": "x", "action": "LOGON", "bytes": "100"},
]
VISITS = [
    {"host": "www1", "action": "view", "client_ip": "211.166.11.101"},
    {"host": "www2", "action": "addtocart", "client_ip": "194.215.205.19"},
    {"host": "www3", "action": "view", "client_ip": "74.53.23.135"},
    {"host": "www1", "action": "addtocart", "client_ip": "128.241.220.82"},
    {"host": "www1", "action": "purchase", "client_ip": "64.66.0.20"},
    {"host": "www3", "action": "view", "client_ip": "107.3.146.207"},
    {"host": "www2", "action": "remove", "client_ip": "194.215.205.19"},
]
ABC = [
    {"a": "1", "b": "x", "c": ["V1", "V2", "V3"]},
    {"a": "2", "b": "y", "c": ["V4", "V5"]},
]
CARTS = [
    {"action": "addtocart", "clientip": "107.1.146.207", "user_count": "15"},
    {"action": "addtocart", "clientip": "108.65.113.83", "user_count": "16"},
    {"action": "addtocart", "clientip": "109.169.32.135", "user_count": "3"},
    {"action": "changequantity", "clientip": "107.1.146.207", "user_count": "2"},
    {"action": "changequantity", "clientip": "108.65.113.83", "user_count": "1"},
    {"action": "changequantity", "clientip": "109.169.32.135", "user_count": "2"},
]
VIEWS = [
    {"productId": "DB-SG-G01", "views": "1796"},
    {"productId": "DC-SG-G02", "views": "1642"},
    {"productId": "FS-SG-G03", "views": "1482"},
    {"productId": "PZ-SG-G05", "views": "1300"},
]


def column(name: str, *values: Any) -> list[Row]:
    return [{name: value} if value is not None else {} for value in values]


COMMAND_CASES: list[tuple[str, list[Row], str, list[Row]]] = [
    (
        SPL2 + "streamstats-command",
        LOGONS,
        "streamstats window=3 avg(bytes) AS mean | eval mean=floor(mean*100)/100 | table mean",
        column("mean", "100", "150", "233.33", "216.66", "200", "100"),
    ),
    (
        SPL2 + "streamstats-command/streamstats-command-examples",
        column("host", "x", "y", "x", "x", "y"),
        "streamstats count | table count",
        column("count", "1", "2", "3", "4", "5"),
    ),
    (
        SPL2 + "streamstats-command/streamstats-command-examples",
        column("host", "x", "y", "x", "x", "y"),
        "streamstats count BY host | table count",
        column("count", "1", "1", "2", "3", "2"),
    ),
    (
        SPL + "streamstats",
        LOGONS,
        "streamstats current=f sum(bytes) AS before | table before",
        column("before", None, "100", "300", "700", "750", "900"),
    ),
    (
        SPL + "streamstats",
        LOGONS,
        'streamstats reset_before=(action="REBOOT") sum(bytes) AS total | table total',
        column("total", "100", "300", "700", "50", "200", "300"),
    ),
    (
        SPL + "streamstats",
        LOGONS,
        'streamstats reset_after=(action="REBOOT") count | table count',
        column("count", "1", "2", "3", "4", "1", "2"),
    ),
    (SPL2 + "dedup-command", VISITS, "dedup host", VISITS[:3]),
    (SPL2 + "dedup-command", VISITS, "dedup host, client_ip", VISITS[:6]),
    (SPL + "dedup", VISITS, "dedup 2 host | table host action", [
        {"host": "www1", "action": "view"}, {"host": "www2", "action": "addtocart"},
        {"host": "www3", "action": "view"}, {"host": "www1", "action": "addtocart"},
        {"host": "www3", "action": "view"}, {"host": "www2", "action": "remove"},
    ]),
    (SPL + "dedup", column("a", "1", "1", "2", "1"), "dedup a consecutive=true",
     column("a", "1", "2", "1")),
    (SPL + "dedup", [*column("a", "1", None, "1")], "dedup a keepempty=true", [{"a": "1"}, {}]),
    (SPL2 + "mvexpand-command/mvexpand-command-examples", ABC, "mvexpand c", [
        {"a": "1", "b": "x", "c": "V1"}, {"a": "1", "b": "x", "c": "V2"},
        {"a": "1", "b": "x", "c": "V3"}, {"a": "2", "b": "y", "c": "V4"},
        {"a": "2", "b": "y", "c": "V5"},
    ]),
    (SPL2 + "mvexpand-command/mvexpand-command-examples", ABC, "mvexpand limit=1 c", [
        {"a": "1", "b": "x", "c": "V1"}, {"a": "2", "b": "y", "c": "V4"},
    ]),
    (SPL + "mvcombine", [{"a": "1", "c": "x"}, {"a": "2", "c": "z"}, {"a": "1", "c": "y"}],
     "mvcombine c", [{"a": "1", "c": ["x", "y"]}, {"a": "2", "c": "z"}]),
    (SPL + "nomv", ABC[1:], "nomv c", [{"a": "2", "b": "y", "c": "V4\nV5"}]),
    (SPL + "makemv", column("s", "a,b,,c"), 'makemv delim="," s', column("s", ["a", "b", "c"])),
    (SPL + "makemv", column("s", "a,b,,c"), 'makemv delim="," allowempty=t s',
     column("s", ["a", "b", "", "c"])),
    (SPL + "makemv", column("s", "a1b22"), r'makemv tokenizer="(\d+)" s', column("s", ["1", "22"])),
    (
        SPL2 + "appendpipe-command/appendpipe-command-examples",
        CARTS,
        'appendpipe [stats sum(user_count) AS "User Count" BY action '
        '| eval user = "TOTAL - USER COUNT"] | sort action '
        '| where isnotnull(user) | table action "User Count" user',
        [
            {"action": "addtocart", "User Count": "34", "user": "TOTAL - USER COUNT"},
            {"action": "changequantity", "User Count": "5", "user": "TOTAL - USER COUNT"},
        ],
    ),
    (SPL + "accum", VIEWS, "streamstats sum(views) AS TotalViews | table TotalViews",
     column("TotalViews", "1796", "3438", "4920", "6220")),
    (SPL + "stats", LOGONS, "stats count sum(bytes) avg(bytes) BY host", [
        {"host": "x", "count": "4", "sum(bytes)": "650", "avg(bytes)": "162.5"},
        {"host": "y", "count": "2", "sum(bytes)": "350", "avg(bytes)": "175"},
    ]),
    (SPL + "stats", LOGONS, 'stats count(eval(action="LOGON")) AS logons BY host',
     [{"host": "x", "logons": "2"}, {"host": "y", "logons": "1"}]),
    (SPL + "stats", LOGONS, "stats dc(host) AS hosts values(host) list(host)",
     [{"hosts": "2", "values(host)": ["x", "y"], "list(host)": ["x", "y", "x", "x", "y", "x"]}]),
    (SPL + "stats", LOGONS, "stats first(action) AS f last(action) AS l min(bytes) max(bytes) "
     "range(bytes) mode(host)", [{"f": "LOGON", "l": "LOGON", "min(bytes)": "50",
                                  "max(bytes)": "400", "range(bytes)": "350", "mode(host)": "x"}]),
    (SPL + "stats", [], "stats count sum(x)", [{"count": "0"}]),
    (SPL + "stats", [], "stats count BY host", []),
    (SPL + "stats", [{"a": "1"}, {"a": "2", "b": "q"}], "stats count BY b",
     [{"b": "q", "count": "1"}]),
    (SPL + "stats", [{"k": ["p", "q"]}], "stats count BY k",
     [{"k": "p", "count": "1"}, {"k": "q", "count": "1"}]),
    (SPL + "stats", [{"x_a": "1", "x_b": "2"}, {"x_a": "3", "x_b": "4"}],
     "stats sum(x_*) AS total_*", [{"total_a": "4", "total_b": "6"}]),
    ("spl-search-reference/9.4/statistical-and-charting-functions/aggregate-functions",
     column("n", "2", "4", "4", "4", "5", "5", "7", "9"),
     "stats stdevp(n) AS sp varp(n) AS vp median(n) AS m sumsq(n) AS q",
     [{"sp": "2", "vp": "4", "m": "4.5", "q": "232"}]),
    ("spl-search-reference/9.4/statistical-and-charting-functions/aggregate-functions",
     column("n", *map(str, range(1, 101))), "stats perc95(n) p50(n) exactperc99.5(n)",
     [{"perc95(n)": "95", "p50(n)": "50", "exactperc99.5(n)": "100"}]),
    (SPL + "eventstats", LOGONS, "eventstats max(bytes) AS m BY host | table m",
     column("m", "400", "200", "400", "400", "200", "400")),
    (SPL + "top", LOGONS, "top limit=1 host", [{"host": "x", "count": "4", "percent": "66.666667"}]),
    (SPL + "top", LOGONS, "top host showperc=f",
     [{"host": "x", "count": "4"}, {"host": "y", "count": "2"}]),
    (SPL + "top", LOGONS, "top limit=1 useother=t host showperc=f",
     [{"host": "x", "count": "4"}, {"host": "OTHER", "count": "2"}]),
    (SPL + "rare", LOGONS, "rare limit=1 host showperc=f", [{"host": "y", "count": "2"}]),
    (SPL + "sort", column("n", "10", "9", "x", "1"), "sort n", column("n", "1", "9", "10", "x")),
    (SPL + "sort", column("n", "10", "9", "1"), "sort - n", column("n", "10", "9", "1")),
    (SPL + "sort", column("n", "10", "9", "1"), "sort str(n)", column("n", "1", "10", "9")),
    (SPL + "sort", column("n", "10.0.0.2", "9.0.0.1"), "sort ip(n)",
     column("n", "9.0.0.1", "10.0.0.2")),
    (SPL + "sort", column("n", "3", "1", "2"), "sort 2 n", column("n", "1", "2")),
    (SPL + "sort", LOGONS, "sort -bytes, host | head 2 | table host bytes",
     [{"host": "x", "bytes": "400"}, {"host": "y", "bytes": "200"}]),
    (SPL + "head", column("n", "1", "2", "3"), "head 2", column("n", "1", "2")),
    (SPL + "head", column("n", "1", "2", "3", "1"), "head (n<3) keeplast=true",
     column("n", "1", "2", "3")),
    (SPL + "tail", column("n", "1", "2", "3"), "tail 2", column("n", "3", "2")),
    (SPL + "reverse", column("n", "1", "2", "3"), "reverse", column("n", "3", "2", "1")),
    (SPL + "fillnull", [{"a": "1"}, {"b": "2"}], "fillnull",
     [{"a": "1", "b": "0"}, {"b": "2", "a": "0"}]),
    (SPL + "fillnull", [{"a": "1"}, {"b": "2"}], "fillnull value=NULL a",
     [{"a": "1"}, {"b": "2", "a": "NULL"}]),
    (SPL + "filldown", [{"a": "1"}, {"b": "2"}, {"a": "3"}, {}], "filldown a",
     [{"a": "1"}, {"b": "2", "a": "1"}, {"a": "3"}, {"a": "3"}]),
    (SPL + "rename", [{"foo_a": "1", "foo_b": "2"}], "rename foo_* AS bar_*",
     [{"bar_a": "1", "bar_b": "2"}]),
    (SPL + "rename", [{"a": "1"}], 'rename a AS "The A"', [{"The A": "1"}]),
    (SPL + "fields", [{"a": "1", "b": "2", "c": "3"}], "fields - b", [{"a": "1", "c": "3"}]),
    (SPL + "fields", [{"a": "1", "_time": "5", "c": "3"}], "fields c", [{"c": "3", "_time": "5"}]),
    (SPL + "where", [{"a": "x"}, {"a": "y"}, {}], 'where a!="x"', [{"a": "y"}]),
    (SPL + "where", [{"a": "5"}, {"a": "40"}], "where a>10", [{"a": "40"}]),
    (SPL + "search", [{"a": "x"}, {"a": "y"}, {"b": "1"}], "search NOT a=x", [{"a": "y"}, {"b": "1"}]),
    (SPL + "search", [{"a": "x"}, {"a": "y"}, {"b": "1"}], "search a!=x", [{"a": "y"}]),
    (SPL + "search", [{"ip": "10.1.2.3"}, {"ip": "10.2.2.3"}], 'search ip="10.1.0.0/16"',
     [{"ip": "10.1.2.3"}]),
    (SPL + "search", column("s", "400", "404", "500"), "search s IN (400, 5*)",
     column("s", "400", "500")),
    (SPL + "regex", column("s", "abc", "xyz"), 'regex s="^a"', column("s", "abc")),
    (SPL + "regex", column("s", "abc", "xyz"), 'regex s!="^a"', column("s", "xyz")),
    (SPL + "rex", [{"_raw": "From: <Susan> To: <Bob>"}],
     r'rex "From: <(?<from>.*)> To: <(?<to>.*)>" | table from to', [{"from": "Susan", "to": "Bob"}]),
    (SPL + "rex", column("cc", "1234-5678-9012-3456"),
     r'rex field=cc mode=sed "s/(\d{4}-){3}/XXXX-XXXX-XXXX-/g"', column("cc", "XXXX-XXXX-XXXX-3456")),
    (SPL + "rex", column("s", "a1b2"), r'rex field=s max_match=0 "(?<d>\d)"',
     [{"s": "a1b2", "d": ["1", "2"]}]),
    (SPL + "spath", [{"_raw": '{"a":{"b":[1,2]}}'}], "spath path=a.b{} output=x | table x",
     column("x", ["1", "2"])),
    (SPL + "spath", [{"_raw": '{"a":{"b":true},"c":"d"}'}], "spath | table a.b c",
     [{"a.b": "true", "c": "d"}]),
    (SPL + "spath", [{"_raw": '<v><book year="1996"><t>A</t></book><book year="1997"/></v>'}],
     "spath path=v.book{@year} output=y | table y", column("y", ["1996", "1997"])),
    (SPL + "bin", column("n", "7", "12", "20"), "bin n span=10", column("n", "0-10", "10-20", "20-30")),
    (SPL + "bin", column("_time", "1594163138"), "bin _time span=1h", column("_time", "1594162800")),
    (SPL + "bin", column("n", "5", "50"), "bin n span=log10", column("n", "1-10", "10-100")),
    (SPL + "chart", LOGONS, "chart count OVER action BY host", [
        {"action": "APP_START", "x": "0", "y": "1"}, {"action": "FILE_DOWNLOAD", "x": "1", "y": "0"},
        {"action": "LOGON", "x": "2", "y": "1"}, {"action": "REBOOT", "x": "1", "y": "0"},
    ]),
    (SPL + "chart", LOGONS, "chart sum(bytes) BY host limit=1",
     [{"host": "x", "sum(bytes)": "650"}, {"host": "y", "sum(bytes)": "350"}]),
    (SPL + "chart", LOGONS, "chart count BY host, action limit=1",
     [{"host": "x", "LOGON": "2", "OTHER": "2"}, {"host": "y", "LOGON": "1", "OTHER": "1"}]),
    (SPL + "timechart",
     [{"_time": "0"}, {"_time": "130"}], "timechart span=1m count | table _time count",
     [{"_time": "0", "count": "1"}, {"_time": "60", "count": "0"}, {"_time": "120", "count": "1"}]),
    (SPL + "timechart",
     [{"_time": "0", "n": "30"}, {"_time": "30", "n": "30"}],
     "timechart span=1m per_second(n) AS r | table r", column("r", "1")),
    (SPL + "append", column("a", "1"), "append [| makeresults | eval a=2 | fields - _time]",
     column("a", "1", "2")),
    (SPL + "appendcols", column("a", "1"),
     "appendcols [| makeresults | eval b=2 | fields - _time]", [{"a": "1", "b": "2"}]),
    (SPL + "join", [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}],
     "join k [| makeresults | eval k=1, b=9 | fields - _time]", [{"k": "1", "a": "x", "b": "9"}]),
    (SPL + "join", [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}],
     "join type=left k [| makeresults | eval k=1, b=9 | fields - _time]",
     [{"k": "1", "a": "x", "b": "9"}, {"k": "2", "a": "y"}]),
    (SPL + "format", [{"a": "1", "b": "2"}, {"a": "3"}], "format",
     [{"search": '( ( a="1" AND b="2" ) OR ( a="3" ) )'}]),
    (SPL + "return", [{"a": "1"}, {"a": "3"}], "return 2 a",
     [{"search": '(a="1") OR (a="3")'}]),
    (SPL + "transaction",
     [{"_time": "100", "s": "a", "n": "1"}, {"_time": "103", "s": "a", "n": "2"},
      {"_time": "200", "s": "b", "n": "3"}],
     "transaction s | table s n duration eventcount", [
         {"s": "b", "n": "3", "duration": "0", "eventcount": "1"},
         {"s": "a", "n": ["1", "2"], "duration": "3", "eventcount": "2"}]),
    (SPL + "eval", [{"status": "ok", "n": "4"}], "eval {status}_count=n*2 | fields ok_count",
     [{"ok_count": "8"}]),
    (SPL + "eval", [{"my field": "4"}], "eval x='my field'+1 | fields x", [{"x": "5"}]),
    (SPL + "makeresults", [], 'append [| makeresults format=csv data="a,b\n1,2\n3,4"]',
     [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    (SPL + "table", [{"a": "1", "b": "2"}], "table b a", [{"b": "2", "a": "1"}]),
]  # fmt: skip
