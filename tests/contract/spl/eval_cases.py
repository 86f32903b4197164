"""Eval expressions and their values, by the page of Splunk's manual that says so.

Pages are below https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/. An expected
value is what Splunk prints; None is null, a list is a multivalue.
"""

from __future__ import annotations

from typing import Any

COMPARISON = "evaluation-functions/comparison-and-conditional-functions"
CONVERSION = "evaluation-functions/conversion-functions"
CRYPTO = "evaluation-functions/cryptographic-functions"
DATES = "evaluation-functions/date-and-time-functions"
INFORMATION = "evaluation-functions/informational-functions"
JSON = "evaluation-functions/json-functions"
MATHEMATICS = "evaluation-functions/mathematical-functions"
MULTIVALUE = "evaluation-functions/multivalue-eval-functions"
STATISTICS = "evaluation-functions/statistical-eval-functions"
TEXT = "evaluation-functions/text-functions"
TRIG = "evaluation-functions/trig-and-hyperbolic-functions"
BITS = "evaluation-functions/bitwise-functions"
EVAL = "search-commands/eval"

# fmt: off
EVAL_CASES: list[tuple[str, str, Any]] = [
    # conditions
    (COMPARISON, 'case(404 == 200, "OK", 404 == 404, "Not found")', "Not found"),
    (COMPARISON, 'case(1 == 2, "never")', None),
    (COMPARISON, 'case(1 == 2, "a", true(), "other")', "other"),
    (COMPARISON, 'if(cidrmatch("123.132.32.0/25", "123.132.32.17"), "local", "other")', "local"),
    (COMPARISON, 'if(cidrmatch("123.132.32.0/25", "123.132.33.17"), "local", "other")', "other"),
    (COMPARISON, 'coalesce(null(), "second", "third")', "second"),
    (COMPARISON, 'if(in("503", "400", "401", "503"), "yes", "no")', "yes"),
    (COMPARISON, 'if("198.51.100.7" LIKE "198.%", "yes", "no")', "yes"),
    (COMPARISON, 'if(like("foobar", "foo%"), "yes", "no")', "yes"),
    (COMPARISON, 'if(like("foobar", "bar%"), "yes", "no")', "no"),
    (COMPARISON, 'if(match("192.0.2.1", "^\\d{1,3}\\.\\d{1,3}"), "yes", "no")', "yes"),
    (COMPARISON, 'nullif("a", "a")', None),
    (COMPARISON, 'nullif("a", "b")', "a"),
    (COMPARISON, 'validate(isint(3), "not an integer", 3 < 1, "too large")', "too large"),
    # precedence: NOT, then AND, then OR, then XOR
    (EVAL, 'if(true() OR false() AND false(), "yes", "no")', "yes"),
    (EVAL, 'if(NOT true() OR true(), "yes", "no")', "yes"),
    (EVAL, 'if(true() XOR true(), "yes", "no")', "no"),
    (EVAL, "2 + 3 * 4", "14"),
    (EVAL, "(2 + 3) * 4", "20"),
    (EVAL, "7 % 4", "3"),
    (EVAL, '"a" . "b" . 1', "ab1"),
    (EVAL, '"1" + "2"', "12"),
    (EVAL, "1 / 0", None),
    (EVAL, "null() + 1", None),
    # conversions
    (CONVERSION, 'tonumber("0A4", 16)', "164"),
    (CONVERSION, 'tonumber("abc")', None),
    (CONVERSION, "tostring(1 == 1)", "True"),
    (CONVERSION, 'tostring(15, "hex")', "0xF"),
    (CONVERSION, 'tostring(12345.6789, "commas")', "12,345.68"),
    (CONVERSION, 'tostring(615, "duration")', "00:10:15"),
    (CONVERSION, 'tostring(9, "binary")', "1001"),
    (CONVERSION, 'printf("%+4d", 1)', "  +1"),
    (CONVERSION, 'printf("%04d", 1)', "0001"),
    (CONVERSION, 'printf("%-4d|", 1)', "1   |"),
    (CONVERSION, 'printf("%.5f", 3.14159265)', "3.14159"),
    (CONVERSION, 'printf("%s-%s", "a", "b")', "a-b"),
    (CONVERSION, 'printf("%x", 255)', "ff"),
    (CONVERSION, 'ipmask("255.255.255.0", "10.20.30.120")', "10.20.30.0"),
    # digests
    (CRYPTO, 'md5("abc")', "900150983cd24fb0d6963f7d28e17f72"),
    (CRYPTO, 'sha1("abc")', "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
        CRYPTO,
        'sha256("abc")',
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ),
    # dates
    (DATES, 'strftime(1594163138, "%Y-%m-%dT%H:%M:%S.%Q")', "2020-07-07T23:05:38.000"),
    (DATES, 'strftime(1594163138.123, "%H:%M:%S.%3N %z")', "23:05:38.123 +0000"),
    (DATES, 'strptime("2020-07-07 23:05:38", "%Y-%m-%d %H:%M:%S")', "1594163138"),
    (DATES, 'strptime("07/Jul/2020:23:05:38 -0700", "%d/%b/%Y:%H:%M:%S %z")', "1594188338"),
    (DATES, 'strptime("not a date", "%Y-%m-%d")', None),
    (DATES, 'strftime(relative_time(1594163138, "-1d@d"), "%F %T")', "2020-07-06 00:00:00"),
    (DATES, 'strftime(relative_time(1594163138, "-1h"), "%F %T")', "2020-07-07 22:05:38"),
    # information
    (INFORMATION, "typeof(12)", "Number"),
    (INFORMATION, 'typeof("abc")', "String"),
    (INFORMATION, "typeof(1 == 2)", "Boolean"),
    (INFORMATION, "typeof(badfield)", "Invalid"),
    (INFORMATION, 'if(isint(6), "int", "not int")', "int"),
    (INFORMATION, 'if(isnum("6.5"), "number", "no")', "number"),
    (INFORMATION, 'if(isnull(nothing), "yes", "no")', "yes"),
    (INFORMATION, 'if(isarray("[1, 2, 3]"), "True", "False")', "True"),
    (INFORMATION, 'if(isarray(1), "True", "False")', "False"),
    (INFORMATION, 'if(isobject("{}"), "True", "False")', "True"),
    (INFORMATION, 'if(isstr("x"), "yes", "no")', "yes"),
    # JSON
    (JSON, 'json_object("name", "alex", "years", 12)', '{"name":"alex","years":12}'),
    (JSON, 'json_array("a", 1, json_array(2))', '["a",1,[2]]'),
    (
        JSON,
        'json_extract("{\\"cities\\":[{\\"name\\":\\"London\\"},{\\"name\\":\\"Rome\\"}]}", '
        '"cities{1}.name")',
        "Rome",
    ),
    (
        JSON,
        'json_extract("{\\"cities\\":[{\\"name\\":\\"London\\"},{\\"name\\":\\"Rome\\"}]}", '
        '"cities{}.name")',
        '["London","Rome"]',
    ),
    (JSON, 'json_keys("{\\"a\\":1,\\"b\\":2}")', '["a","b"]'),
    (JSON, 'json_set("{\\"a\\":{\\"b\\":1}}", "a.b", 2)', '{"a":{"b":2}}'),
    (JSON, 'json_delete("{\\"a\\":1,\\"b\\":2}", "a")', '{"b":2}'),
    (JSON, 'json_append("{\\"a\\":[1]}", "a", 2)', '{"a":[1,2]}'),
    (JSON, 'json_extend("{\\"a\\":[1]}", "a", json_array(2, 3))', '{"a":[1,2,3]}'),
    (JSON, 'json_array_to_mv("[\\"a\\",\\"b\\"]")', ["a", "b"]),
    (JSON, 'if(json_valid("{nope"), "yes", "no")', "no"),
    (JSON, 'json_extract_exact("{\\"a.b\\":7}", "a.b")', "7"),
    # mathematics
    (MATHEMATICS, "abs(-3)", "3"),
    (MATHEMATICS, "ceil(1.9)", "2"),
    (MATHEMATICS, "floor(1.9)", "1"),
    (MATHEMATICS, "exp(3)", "20.085536923187668"),
    (MATHEMATICS, "ln(1)", "0"),
    (MATHEMATICS, "log(8, 2)", "3"),
    (MATHEMATICS, "log(1000)", "3"),
    (MATHEMATICS, "pi()", "3.141592653589793"),
    (MATHEMATICS, "pow(2, 10)", "1024"),
    (MATHEMATICS, "round(3.5)", "4"),
    (MATHEMATICS, "round(2.555, 2)", "2.56"),
    (MATHEMATICS, "sqrt(9)", "3"),
    (TRIG, "round(hypot(3, 4))", "5"),
    (TRIG, "cos(0)", "1"),
    (BITS, "bit_and(12, 10)", "8"),
    (BITS, "bit_or(12, 10)", "14"),
    (BITS, "bit_xor(12, 10)", "6"),
    (BITS, "bit_shift_left(1, 4)", "16"),
    # multivalues
    (MULTIVALUE, 'mvappend("localhost", mvappend("a", "b"))', ["localhost", "a", "b"]),
    (MULTIVALUE, 'mvcount(split("a;b;c", ";"))', "3"),
    (MULTIVALUE, 'mvdedup(split("a;b;a", ";"))', ["a", "b"]),
    (MULTIVALUE, 'mvfind(split("a;bc;c", ";"), "^b")', "1"),
    (MULTIVALUE, 'mvindex(split("a;b;c", ";"), 1)', "b"),
    (MULTIVALUE, 'mvindex(split("a;b;c", ";"), -2, -1)', ["b", "c"]),
    (MULTIVALUE, 'mvindex(split("a;b;c", ";"), 7)', None),
    (MULTIVALUE, 'mvjoin(split("a;b;c", ";"), " OR ")', "a OR b OR c"),
    (MULTIVALUE, "mvrange(1, 11, 2)", ["1", "3", "5", "7", "9"]),
    (MULTIVALUE, 'mvsort(split("b;a;B", ";"))', ["B", "a", "b"]),
    (MULTIVALUE, 'mvzip(split("1;2", ";"), split("x;y", ";"))', ["1,x", "2,y"]),
    (MULTIVALUE, 'mvzip(split("1;2", ";"), split("x;y", ";"), "|")', ["1|x", "2|y"]),
    (MULTIVALUE, 'commands("search foo | stats count | sort count")', ["search", "stats", "sort"]),
    # statistics
    (STATISTICS, 'max(1, 3, 6, 7, "foo", field)', "foo"),
    (STATISTICS, 'min(1, 3, 6, 7, "foo", field)', "1"),
    (STATISTICS, "avg(1, 2, 6)", "3"),
    # text
    (TEXT, 'len("buttercup")', "9"),
    (TEXT, 'length("mistmane")', "8"),
    (TEXT, 'lower("HeLLo")', "hello"),
    (TEXT, 'ltrim("  ZZZabcZZ ", " Z")', "abcZZ "),
    (TEXT, 'rtrim("  ZZZZabcZZ ", " Z")', "  ZZZZabc"),
    (TEXT, 'trim("  ZZZZabcZZ ", " Z")', "abc"),
    (TEXT, 'substr("string", 1, 3) . substr("string", -3)', "string"),
    (TEXT, 'replace("1/14/2023", "^(\\d{1,2})/(\\d{1,2})/", "\\2/\\1/")', "14/1/2023"),
    (TEXT, 'upper("abc")', "ABC"),
    (
        TEXT,
        'urldecode("http%3A%2F%2Fwww.splunk.com%2Fdownload%3Fr%3Dheader")',
        "http://www.splunk.com/download?r=header",
    ),
]
# fmt: on
