"""Searches with SQL for DuckDB, written by hand, that must give the same rows.

Each case is (what, search after `index=main`, SQL, whether the order of rows counts). The table
`e` has the columns _time, n, host, team, status, size, value; `t` is the table that is joined.
Columns are compared in the order of the SQL's, by name.
"""

from __future__ import annotations

# A percentile is SQL's PERCENTILE_CONT; top gives its shares with six digits. The
# rounding has no ties: what a tie becomes depends on how a number is held.
_BUCKET = "CAST(floor(_time / 600) * 600 AS BIGINT)"
_LEAVES = "unnest(generate_series(CAST({low} AS BIGINT), CAST({high} AS BIGINT), 600))"

Case = tuple[str, str, str, bool]

CASES: list[Case] = [
    (
        "stats: numbers of a group",
        "stats count count(value) AS values sum(value) AS total avg(value) AS mean min(value) AS"
        " low max(value) AS high range(value) AS width by host",
        "SELECT host, count(*) AS count, count(value) AS values, sum(value) AS total,"
        " avg(value) AS mean, min(value) AS low, max(value) AS high,"
        " max(value) - min(value) AS width FROM e GROUP BY host ORDER BY host",
        True,
    ),
    (
        "stats: spread",
        "stats stdev(value) AS a stdevp(value) AS b var(value) AS c varp(value) AS d"
        " sumsq(value) AS q by status",
        "SELECT status, stddev_samp(value) AS a, stddev_pop(value) AS b, var_samp(value) AS c,"
        " var_pop(value) AS d, sum(value * value) AS q FROM e GROUP BY status ORDER BY status",
        True,
    ),
    (
        "stats: distinct values, rows without the key left out",
        "stats dc(host) AS hosts dc(status) AS states estdc(size) AS sizes by team",
        "SELECT team, count(DISTINCT host) AS hosts, count(DISTINCT status) AS states,"
        " count(DISTINCT size) AS sizes FROM e WHERE team IS NOT NULL GROUP BY team ORDER BY team",
        True,
    ),
    (
        "stats: percentiles of fewer than 1,000 values",
        "where n<=900 | stats perc5(value) AS a perc50(value) AS b p95(value) AS c"
        " exactperc99(value) AS d perc99.5(value) AS e by host",
        "SELECT host, percentile_cont(0.05) WITHIN GROUP (ORDER BY value) AS a,"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS b,"
        " percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS c,"
        " percentile_cont(0.99) WITHIN GROUP (ORDER BY value) AS d,"
        " percentile_cont(0.995) WITHIN GROUP (ORDER BY value) AS e"
        " FROM e WHERE n <= 900 GROUP BY host ORDER BY host",
        True,
    ),
    (
        "stats: median is the mean of the two in the middle",
        "stats median(value) AS middle median(size) AS whole by host",
        "SELECT host, median(value) AS middle, median(size) AS whole FROM e"
        " GROUP BY host ORDER BY host",
        True,
    ),
    (
        "stats: conditions inside functions",
        "stats count(eval(status>=500)) AS bad sum(eval(if(size>0, size, 0))) AS up"
        " avg(eval(value/2)) AS half by host",
        "SELECT host, count(*) FILTER (status >= 500) AS bad,"
        " sum(CASE WHEN size > 0 THEN size ELSE 0 END) AS up, avg(value / 2) AS half"
        " FROM e GROUP BY host ORDER BY host",
        True,
    ),
    (
        "stats: the first and the last in time",
        "stats earliest(n) AS first latest(n) AS last earliest(value) AS oldest"
        " latest(value) AS newest by host",
        "SELECT host, arg_min(n, _time) AS first, arg_max(n, _time) AS last,"
        " arg_min(value, _time) AS oldest, arg_max(value, _time) AS newest"
        " FROM e GROUP BY host ORDER BY host",
        True,
    ),
    (
        "stats: two keys, and having",
        "stats count sum(size) AS total by host, team | where count>150",
        "SELECT host, team, count(*) AS count, sum(size) AS total FROM e WHERE team IS NOT NULL"
        " GROUP BY host, team HAVING count(*) > 150 ORDER BY host, team",
        True,
    ),
    (
        "stats: without keys",
        "stats count sum(value) AS total dc(team) AS teams max(size) AS most",
        "SELECT count(*) AS count, sum(value) AS total, count(DISTINCT team) AS teams,"
        " max(size) AS most FROM e",
        True,
    ),
    (
        "eventstats",
        "eventstats avg(value) AS mean count AS mates by host | where value>mean"
        " | table n host mates mean",
        "SELECT n, host, mates, mean FROM (SELECT n, host, value,"
        " count(*) OVER (PARTITION BY host) AS mates, avg(value) OVER (PARTITION BY host) AS mean"
        " FROM e) WHERE value > mean ORDER BY n",
        True,
    ),
    (
        "eventstats: a row without the key gets nothing",
        "eventstats max(size) AS most by team | table n most",
        "SELECT n, CASE WHEN team IS NOT NULL THEN max(size) OVER (PARTITION BY team) END AS most"
        " FROM e ORDER BY n",
        True,
    ),
    (
        "streamstats: running",
        "streamstats count sum(size) AS running by host | table n count running",
        "SELECT n, count(*) OVER w AS count, sum(size) OVER w AS running FROM e"
        " WINDOW w AS (PARTITION BY host ORDER BY n) ORDER BY n",
        True,
    ),
    (
        "streamstats: a window of rows",
        "streamstats window=5 avg(value) AS mean max(size) AS most | table n mean most",
        "SELECT n, avg(value) OVER w AS mean, max(size) OVER w AS most FROM e"
        " WINDOW w AS (ORDER BY n ROWS 4 PRECEDING) ORDER BY n",
        True,
    ),
    (
        "streamstats: a window in each group, without the row itself",
        "streamstats current=f window=3 global=f sum(size) AS before by host | table n before",
        "SELECT n, sum(size) OVER (PARTITION BY host ORDER BY n"
        " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS before FROM e ORDER BY n",
        True,
    ),
    (
        "streamstats: the last value before",
        "streamstats current=f last(size) AS before by status | eval step=size-before"
        " | table n step",
        "SELECT n, size - lag(size) OVER (PARTITION BY status ORDER BY n) AS step FROM e"
        " ORDER BY n",
        True,
    ),
    (
        "bin: numbers",
        "bin span=10 size AS bucket | stats count by bucket",
        "SELECT (floor(size / 10) * 10)::INT || '-' || (floor(size / 10) * 10 + 10)::INT AS bucket,"
        " count(*) AS count FROM e GROUP BY 1",
        False,
    ),
    (
        "bin: time",
        "bin _time span=10m | stats count sum(size) AS total by _time",
        f"SELECT {_BUCKET} AS _time, count(*) AS count, sum(size) AS total FROM e"
        " GROUP BY 1 ORDER BY 1",
        True,
    ),
    (
        "timechart: every bucket of the range has a row",
        "timechart span=10m count sum(value) AS total",
        "SELECT b._time AS _time, count(e.n) AS count, sum(e.value) AS total FROM (SELECT "
        + _LEAVES.format(low="$low", high="$high")
        + " AS _time) b LEFT JOIN e ON floor(e._time / 600) * 600 = b._time"
        " GROUP BY b._time ORDER BY b._time",
        True,
    ),
    (
        "timechart: split by a field, rows without it under NULL",
        "timechart span=10m count by team | fields - _span* ",
        "SELECT b._time AS _time, count(e.n) FILTER (team = 'blue') AS blue,"
        " count(e.n) FILTER (team = 'green') AS green, count(e.n) FILTER (team = 'red') AS red,"
        ' count(e.n) FILTER (team IS NULL) AS "NULL" FROM (SELECT '
        + _LEAVES.format(low="$low", high="$high")
        + " AS _time) b LEFT JOIN e ON floor(e._time / 600) * 600 = b._time"
        " GROUP BY b._time ORDER BY b._time",
        True,
    ),
    (
        "timechart: the most frequent series are kept, the others are OTHER",
        "timechart span=1h limit=2 useother=t sum(size) AS s by host",
        "WITH k AS (SELECT host FROM e GROUP BY host ORDER BY sum(size) DESC LIMIT 2),"
        " x AS (SELECT CAST(floor(_time / 3600) * 3600 AS BIGINT) AS _time, size,"
        " CASE WHEN host IN (FROM k) THEN host ELSE 'OTHER' END AS host FROM e)"
        " SELECT _time, sum(size) FILTER (host = 'web0') AS web0,"
        " sum(size) FILTER (host = 'web3') AS web3, sum(size) FILTER (host = 'OTHER') AS OTHER"
        " FROM x GROUP BY _time ORDER BY _time",
        True,
    ),
    (
        "chart: over one field by another",
        "chart count over host by status",
        'SELECT host, count(*) FILTER (status = 200) AS "200",'
        ' count(*) FILTER (status = 404) AS "404", count(*) FILTER (status = 500) AS "500"'
        " FROM e GROUP BY host ORDER BY host",
        True,
    ),
    (
        "chart: a mean",
        "chart avg(value) AS mean by team",
        "SELECT team, avg(value) AS mean FROM e WHERE team IS NOT NULL GROUP BY team ORDER BY team",
        True,
    ),
    (
        "dedup: the first of each",
        "dedup host, status | table n host status",
        "SELECT min(n) AS n, host, status FROM e GROUP BY host, status ORDER BY 1",
        True,
    ),
    (
        "dedup: sorted first, which decides what is kept",
        "dedup 3 host sortby - size, + n | table host n size",
        "SELECT host, n, size FROM e QUALIFY"
        " row_number() OVER (PARTITION BY host ORDER BY size DESC, n) <= 3",
        False,
    ),
    (
        "top: counts and shares",
        "top limit=3 host",
        "SELECT host, count, round(count * 100.0 / sum(count) OVER (), 6) AS percent FROM"
        " (SELECT host, count(*) AS count FROM e GROUP BY host) QUALIFY"
        " row_number() OVER (ORDER BY count DESC) <= 3 ORDER BY count DESC",
        True,
    ),
    (
        "top: in each group, with OTHER",
        'top limit=2 useother=t size by status | where size="OTHER" | table status count percent',
        "WITH c AS (SELECT status, size, count(*) AS count FROM e GROUP BY status, size),"
        " r AS (SELECT *, sum(count) OVER (PARTITION BY status) AS whole,"
        " row_number() OVER (PARTITION BY status ORDER BY count DESC) AS place FROM c)"
        " SELECT status, sum(count) AS count,"
        " round(sum(count) * 100.0 / any_value(whole), 6) AS percent"
        " FROM r WHERE place > 2 GROUP BY status ORDER BY status",
        True,
    ),
    (
        "rare",
        "rare limit=1 status showperc=f",
        "SELECT status, count(*) AS count FROM e GROUP BY status ORDER BY count LIMIT 1",
        True,
    ),
    (
        "join: inner, the first match",
        "stats sum(size) AS total by team | join team [| inputlookup teams]"
        " | table team total lead",
        "SELECT team, sum(size) AS total, any_value(lead) AS lead FROM e JOIN"
        " (SELECT team, arg_min(lead, rowid) AS lead FROM t GROUP BY team) USING (team)"
        " GROUP BY team ORDER BY team",
        True,
    ),
    (
        "join: left, all matches",
        "stats sum(size) AS total by team"
        " | join type=left max=0 team [| inputlookup teams] | table team total lead",
        "SELECT team, total, lead FROM (SELECT team, sum(size) AS total FROM e"
        " WHERE team IS NOT NULL GROUP BY team) LEFT JOIN t USING (team)",
        False,
    ),
    (
        "append: two reports in one",
        "stats count by status | append [search index=main | stats count by host]",
        "SELECT status, NULL AS host, count(*) AS count FROM e GROUP BY status UNION ALL"
        " SELECT NULL, host, count(*) FROM e GROUP BY host",
        False,
    ),
    (
        "sort: mixed directions, the rest by number",
        "sort 50 - size, + host, - n | table n",
        "SELECT n FROM e ORDER BY size DESC, host, n DESC LIMIT 50",
        True,
    ),
    (
        "arithmetic: operators and rounding",
        "eval a=size*3-7, b=round(value/7, 4), c=size%7, d=floor(value), e=ceiling(value),"
        " f=abs(size), g=pow(size, 2), h=sqrt(abs(size)) | table n a b c d e f g h",
        "SELECT n, size * 3 - 7 AS a, round(value / 7, 4) AS b, size % 7 AS c,"
        " floor(value) AS d, ceil(value) AS e, abs(size) AS f, size * size AS g,"
        " sqrt(abs(size)) AS h FROM e ORDER BY n",
        True,
    ),
    (
        "arithmetic: nulls stay null",
        "eval a=value+1, b=coalesce(value, -1), c=if(isnull(value), 1, 0),"
        ' d=case(size<0, "neg", size<10, "low") | table n a b c d',
        "SELECT n, value + 1 AS a, coalesce(value, -1) AS b,"
        " CASE WHEN value IS NULL THEN 1 ELSE 0 END AS c,"
        " CASE WHEN size < 0 THEN 'neg' WHEN size < 10 THEN 'low' END AS d FROM e ORDER BY n",
        True,
    ),
    (
        "where: three-valued conditions",
        'where value>100 OR (team="red" AND NOT status=200) | stats count',
        "SELECT count(*) AS count FROM e WHERE value > 100 OR (team = 'red' AND status <> 200)",
        True,
    ),
]
