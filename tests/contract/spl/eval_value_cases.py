"""Eval expressions over single values: conditions, conversions, digests, dates, information."""

from __future__ import annotations

from tests.contract.spl.oracles import EXAMPLE, MEMORY, RULE, EvalCase, values

COMPARISON = "evaluation-functions/comparison-and-conditional-functions"
CONVERSION = "evaluation-functions/conversion-functions"
CRYPTO = "evaluation-functions/cryptographic-functions"
DATES = "evaluation-functions/date-and-time-functions"
VARIABLES = "time-format-variables-and-modifiers/date-and-time-format-variables"
MODIFIERS = "time-format-variables-and-modifiers/time-modifiers"
INFORMATION = "evaluation-functions/informational-functions"
EVAL = "search-commands/eval"

_SNAP = 'strftime(relative_time({}, "{}"), "%F %T")'
_WEDNESDAY, _FRIDAY = 1619618742, 1619827140  # 2021-04-28 14:05:42, 2021-04-30 23:59:00
_STATUS = 'case({0} == 200, "OK", {0} == 404, "Not found", {0} == 500, "Internal Server Error")'
_IPV6 = "2001:0db8:ffff:ffff:ffff:ffff:ffff:ff"

VALUE_CASES: list[EvalCase] = [
    *values(COMPARISON, EXAMPLE, {
        _STATUS.format(404): "Not found",
        _STATUS.format(500): "Internal Server Error",
        _STATUS.format(408): None,
        'case(408 == 200, "OK", 408 == 404, "Not found", true(), "Other")': "Other",
        'if(cidrmatch("192.0.2.0/24", "192.0.3.0"), "true", "false")': "false",
        'if(cidrmatch("192.0.2.0/24", "192.0.2.56"), "true", "false")': "true",
        f'if(cidrmatch("{_IPV6}00/120", "{_IPV6}99"), "true", "false")': "true",
        'nullif("buttercup", "mistmane")': "buttercup",
        'nullif("rarity", "rarity")': None,
    }),
    *values(COMPARISON, RULE, {
        'case(1 == 2, "never")': None,
        'case(1 == 2, "a", true(), "other")': "other",
        'case(70 <= 70, "Low", 70 > 70 AND 70 <= 300, "Mid", 70 > 300, "Deep")': "Low",
        'case(301 <= 70, "Low", 301 > 70 AND 301 <= 300, "Mid", 301 > 300, "Deep")': "Deep",
        'if(cidrmatch("123.132.32.0/25", "123.132.32.17"), "local", "not local")': "local",
        'if(cidrmatch("123.132.32.0/25", "123.132.33.17"), "local", "not local")': "not local",
        'coalesce(null(), "second", "third")': "second",
        'coalesce("clientip", "ipaddress")': "clientip",
        'if(false(), "yes", "no")': "no",
        'if(200 == 200, "OK", "Error")': "OK",
        'if(in("503", "404", "500", "503"), "true", "false")': "true",
        'if("200" in("404", "500", "503"), "true", "false")': "false",
        'if(in("404", "40*"), "true", "false")': "false",  # no wildcards
        'if("198.51.100.7" LIKE "198.%", "yes", "no")': "yes",
        'if(like("foobar", "foo%"), "yes a foo", "not a foo")': "yes a foo",
        'if(like("foobar", "bar%"), "yes", "no")': "no",
        'if(like("foo", "f_o"), "yes", "no")': "yes",
        'if(like("fooo", "f_o"), "yes", "no")': "no",
        'if(match("192.0.2.1", "^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$"), 1, 0)': "1",
        'if(match("192.0.2", "^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$"), 1, 0)': "0",
        'if(match("oh yes it is", "yes"), 1, 0)': "1",
        'if(match("\\"yes\\"", "\\"yes\\""), 1, 0)': "1",
        'nullif("a", "a")': None,
        'nullif("a", "b")': "a",
        'validate(isint(3), "not an integer", 3 < 1, "too large")': "too large",
        'validate(isint("x"), "ERROR: Port is not an integer", 1 == 1, "out")':
            "ERROR: Port is not an integer",
        'validate(isint(80), "ERROR: Port is not an integer", 80 >= 1 AND 80 <= 65535, "out")':
            None,
    }),

    *values(EVAL, EXAMPLE, {
        'tostring(1000000.1278, "commas")': "1,000,000.13",
        '"$".tostring(1000000.1278, "commas")': "$1,000,000.13",
        "pow(2, 53)-1": "9007199254740991",
        "pow(2, 53)-1 + 1": "9007199254740992",
        "pow(2, 53)-1 + 2": "9007199254740992",
        'mvindex(split("na.lui@sample.net", "@"), 0)': "na.lui",
        'mvindex(split("na.lui@sample.net", "@"), -1)': "sample.net",
    }),
    *values(EVAL, RULE, {
        # parentheses, then NOT, then AND, then OR, then XOR
        'if(true() OR false() AND false(), "yes", "no")': "yes",
        'if((true() OR false()) AND false(), "yes", "no")': "no",
        'if(NOT true() OR true(), "yes", "no")': "yes",
        'if(true() XOR true(), "yes", "no")': "no",
        'if(true() OR true() XOR true(), "yes", "no")': "no",
        '"a" . "b" . 1': "ab1",
        '1 . 2': "12",
        '"1" + "2"': "12",
        "1 + 2": "3",
        "1 / 0": None,
        'if("abXc1" LIKE "a%c_", "yes", "no")': "yes",
        'if(1 = 1, "yes", "no")': "yes",
        'if("10" < "9", "yes", "no")': "no",
        'if(cidrmatch("182.236.164.11/16", "182.236.1.2"), "local", "other")': "local",
        'if(match("x.org", "[^\\n\\r\\s]+\\.(com|net|org)"), "local", "abroad")': "local",
    }),
    *values(EVAL, MEMORY, {
        "2 + 3 * 4": "14",
        "(2 + 3) * 4": "20",
        "7 % 4": "3",
        "null() + 1": None,
    }),

    *values(CONVERSION, EXAMPLE, {
        'ipmask("255.255.255.0", "10.20.30.120")': "10.20.30.0",
        'ipmask("0.255.0.224", "10.20.30.120")': "0.20.0.96",
        'printf("%.3A", pi())': "0X1.922P+1",
        'printf("%c,%c", 65, "Foo")': "A,F",
        'printf("%d,%i,%d", -2, +4, 30)': "-2,4,30",
        'printf("%.2e", 5139)': "5.14e+03",
        'printf("%.2f", pi())': "3.14",
        'printf("%.2g,%.2g", pi(), 123)': "3.1,1.2e+02",
        'printf("%o", 255)': "377",
        'printf("%s%z", "foo", "bar")': "foobar",
        'printf("%u", 99)': "99",
        'printf("%x,%X,%p", 10, 10, 10)': "a,A,A",
        'printf("100%%")': "100%",
        "printf(\"%'d\", 12345)": "12,345",
        'printf("%04d", 1)': "0001",
        'printf("%#x", 1)': "0x1",
        'printf("%.*f", 1, 1.23)': "1.2",
        'trim(printf("%*d", 5, 123))': "123",
        'trim(printf("%*.*e", 9, 2, pi()))': "3.14e+00",
        'trim(printf("%+4d", 1))': "+1",
        'trim(printf("%-4d", 1))': "1",
        'trim(printf("% -4d", 1))': "1",
        'toarray(split("1, 2, 3", ","))': "[1,2,3]",
        'toarray("[\\"carrots\\", 1.00, \\"potatoes\\", 1.75]")': '["carrots",1,"potatoes",1.75]',
        'if(isnull(toarray("somefield")), "True", "False")': "True",
        'if(tobool(12), "In Stock", "Not in Stock")': "In Stock",
        'if(tobool(0), "In Stock", "Not in Stock")': "Not in Stock",
        'todouble("number")': None,
        'toint("24")': "24",
        "toint(3.14)": "3",
        'tomv(json_array("Buttercup", "Fluttershy", "Rarity"))':
            ["Buttercup", "Fluttershy", "Rarity"],
        'tonumber("0101", 2)': "5",
        'tonumber("0A4", 16)': "164",
        'toobject("{\\"name\\": \\"maria\\", \\"age\\": 25, \\"status\\": \\"full-time\\"}")':
            '{"name":"maria","age":25,"status":"full-time"}',
        'tostring(9, "binary")': "1001",
        'tostring(1==1) + " " + tostring(15, "hex") + " " + tostring(12345.6789, "commas")':
            "True 0xF 12,345.68",
        'tostring(615, "duration")': "00:10:15",
    }),
    *values(CONVERSION, RULE, {
        '"$".tostring(39532, "commas")': "$39,532",
        'printf("%+4d", 1)': "  +1",
        'printf("%-4d|", 1)': "1   |",
        'printf("% d", 1)': " 1",
        'printf("%*d", 5, 123)': "  123",
        'printf("%2d", 12345)': "12345",
        'printf("%.5f", 3.14159265)': "3.14159",
        'printf("%f", 1)': "1.000000",
        'printf("%.f", 2.6)': "3",
        'printf("%.3d", 7)': "007",
        'printf("%.0d", 0)': "",
        'printf("%.3s", "abcdef")': "abc",
        'printf("%s-%s", "a", "b")': "a-b",
        'printf("%x", 255)': "ff",
        'printf("%#o", 8)': "010",
        'printf("%#X", 255)': "0XFF",
        'printf("%04.4f %-5s|", 1.5, "ab")': "1.5000 ab   |",
        'toarray("[1, 2]")': "[1,2]",
        'if(tobool("true"), 1, 0)': "1",
        'if(tobool("False"), 1, 0)': "0",
        'if(isnull(tobool("yes")), 1, 0)': "1",
        'if(tobool(-3), 1, 0)': "1",
        'todouble("16.00") + 1': "17",
        'todouble("ff", 16)': "255",
        "toint(-3.5)": "-4",
        'toint("3.99")': "3",
        'toint("ff", 16)': "255",
        'tomv("plain text")': None,
        'tomv(json_array("dubois", json_object("name", "patel")))': ["dubois", '{"name":"patel"}'],
        'tonumber("z", 36)': "35",
        'tonumber("12.5")': "12.5",
        'tonumber("9", 8)': None,
        'tonumber(" 5 ")': None,
        'tonumber(trim(" 5 "))': "5",
        'toobject("[1]")': None,
        "tostring(1 == 1)": "True",
        "tostring(1 == 2)": "False",
        'tostring(15, "hex")': "0xF",
        'tostring(12345.6789, "commas")': "12,345.68",
        'tostring(1000, "commas")': "1,000",
        'tostring(3661, "duration")': "01:01:01",
    }),

    *values(CRYPTO, EXAMPLE, {'md5("Hello World")': "b10a8db164e0754105b7a99be72e3fe5"}),
    *values(CRYPTO, RULE, {'md5("abc")': "900150983cd24fb0d6963f7d28e17f72"}),
    *values(CRYPTO, MEMORY, {
        'sha1("abc")': "a9993e364706816aba3e25717850c26c9cd0d89d",
        'sha256("abc")': "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        'substr(sha512("abc"), 1, 32)': "ddaf35a193617abacc417349ae204131",
    }),

    *values(DATES, EXAMPLE, {
        'strftime(strptime("2022-08-10 11:48:23", "%Y-%m-%d %H:%M:%S"), "%H:%M")': "11:48",
        'strftime(strptime("2022-08-14 14:00:15", "%F %T"), "%Y-%m-%dT%H:%M:%S.%Q")':
            "2022-08-14T14:00:15.000",
        'strftime(1521467703049000000/pow(10,9), "%Y-%m-%dT%H:%M:%S.%Q")':
            "2018-03-19T13:55:03.049",
        'strptime("Mon Aug 13 06:00:00 2018", "%a %B %d %H:%M:%S.%N %Y")'
        ' - strptime("Mon Aug 13 00:00:00 2018", "%a %B %d %H:%M:%S.%N %Y")': "21600",
        'strptime("1534143600", "%s")': "1534143600",
    }),
    *values(DATES, RULE, {
        "now()": "1700000000",
        'relative_time(1700000000, "-1h") - 1700000000': "-3600",
        'strftime(relative_time(1594163138, "-1d@d"), "%F %T")': "2020-07-06 00:00:00",
        'strftime(relative_time(1594163138, "-2h@h"), "%F %T")': "2020-07-07 21:00:00",
        'strftime(1594163138, "%Y-%m-%dT%H:%M:%S.%Q")': "2020-07-07T23:05:38.000",
        'strptime("2020-07-07 23:05:38", "%Y-%m-%d %H:%M:%S")': "1594163138",
        'strptime("2022-08-13 11:22:33", "%Y-%m-%d %H:%M:%S")': "1660389753",
        'strptime("Mon July 23 2022 17:19:01.89", "%a %B %d %Y %H:%M:%S.%N")': "1658596741.89",
        'strptime("Mon 7/23/2022 17:19:01.89", "%a %m/%d/%Y %H:%M:%S.%N")': "1658596741.89",
        'strptime("2022/07/23 17:19:01.89", "%Y/%m/%d %H:%M:%S.%N")': "1658596741.89",
        'strptime("2022-07-23T17:19:01.89", "%Y-%m-%dT%H:%M:%S.%N")': "1658596741.89",
        'strptime("08/2022", "%m/%Y")': None,
        'strftime(strptime("11:59", "%H:%M"), "%H:%M")': "11:59",
        'if(time() >= now(), "yes", "no")': "yes",
    }),
    *values(DATES, MEMORY, {'strptime("not a date", "%Y-%m-%d")': None}),
    # 1745970322 is the page's 2025-04-29 23:45:22
    *values(VARIABLES, EXAMPLE, {
        f'strftime(1745970322, "{pattern}")': shown
        for pattern, shown in {
            "%Y-%m-%d": "2025-04-29",
            "%y-%m-%d": "25-04-29",
            "%b %d, %Y": "Apr 29, 2025",
            "%B %d, %Y": "April 29, 2025",
            "%a %b %d, %Y": "Tue Apr 29, 2025",
            "%d %b '%y = %Y-%m-%d": "29 Apr '25 = 2025-04-29",
            "%Y-%m-%dT%H:%M:%S.%Q": "2025-04-29T23:45:22.000",
            "%Y-%m-%dT%H:%M:%S.%QZ": "2025-04-29T23:45:22.000Z",
            "%Y-%m-%dT%H:%M:%S": "2025-04-29T23:45:22",
            "%Y-%m-%dT%T": "2025-04-29T23:45:22",
            "%m-%d-%Y %I:%M:%S %p": "04-29-2025 11:45:22 PM",
            "%b %d, %Y %I:%M:%S %p": "Apr 29, 2025 11:45:22 PM",
            "%m-%d-%Y %H:%M:%S.%Q": "04-29-2025 23:45:22.000",
        }.items()
    }),
    *values(VARIABLES, EXAMPLE, {'strftime(1563442200, "%c")': "Thu Jul 18 09:30:00 2019"}),
    *values(VARIABLES, RULE, {
        f'strftime({moment}, "{pattern}")': shown
        for moment, pattern, shown in [
            (1563442200, "%+", "Thu Jul 18 09:30:00 UTC 2019"),
            (1745970322.25, "%d/%b/%Y:%H:%M:%S.%f %z", "29/Apr/2025:23:45:22.250000 +0000"),
            (1594163138.123, "%H:%M:%S.%3N %z", "23:05:38.123 +0000"),
            (1745970322.25, "%N %6N %Q %3Q %6Q %9Q", "250000000 250000 250 250 250000 250000000"),
            (1745970322, "%:z %::z %:::z %Z", "+00:00 +00:00:00 +00 UTC"),
            (1745970322, "%F %T %s %%", "2025-04-29 23:45:22 1745970322 %"),
            (1746230400, "%A %a %w %e %d %j", "Saturday Sat 6  3 03 123"),
            (1746230400, "%k %H %I %p", " 0 00 12 AM"),
            (1735603200, "%C %y %Y %g %G %V", "20 24 2024 25 2025 01"),
            (1563442200, "%X %x", "09:30:00 07/18/2019"),
        ]
    }),
    *values(VARIABLES, RULE, {
        'strptime("07/Jul/2020:23:05:38 -0700", "%d/%b/%Y:%H:%M:%S %z")': "1594188338",
        'strptime("7/4/22 5:06 PM", "%m/%d/%y %I:%M %p")': "1656954360",
        'strptime("2022-12-15 09:45:22", "%F %T")': "1671097522",
    }),

    *values(MODIFIERS, EXAMPLE, {
        _SNAP.format(_WEDNESDAY, "@d-2h"): "2021-04-27 22:00:00",  # "10 PM yesterday"
        _SNAP.format(1619611140, "@h"): "2021-04-28 11:00:00",  # at 11:59 to 11:00, not 12:00
    }),
    *values(MODIFIERS, RULE, {
        _SNAP.format(_WEDNESDAY, modifier): moment
        for modifier, moment in {
            **dict.fromkeys(("-h", "-1h", "-60m", "-3600s", "-1hr", "-1hour"),
                            "2021-04-28 13:05:42"),
            **dict.fromkeys(("@w", "@week", "@w0", "@w7"), "2021-04-25 00:00:00"),
            **dict.fromkeys(("@q", "@qtr", "@quarter"), "2021-04-01 00:00:00"),
            **dict.fromkeys(("-1mon@mon", "-1month@month", "-mon@mon"), "2021-03-01 00:00:00"),
            "-2h@h": "2021-04-28 12:00:00",
            "+1d@d": "2021-04-29 00:00:00",
            "@w1": "2021-04-26 00:00:00",
            "@w6": "2021-04-24 00:00:00",
            "-5d@w1": "2021-04-19 00:00:00",
            "-1w@w": "2021-04-18 00:00:00",
            "-1mon@mon+1d": "2021-03-02 00:00:00",
            "-1q@q": "2021-01-01 00:00:00",
            "-1y@y": "2020-01-01 00:00:00",
            "@d+8h": "2021-04-28 08:00:00",
            "-30secs": "2021-04-28 14:05:12",
            "-90min@m": "2021-04-28 12:35:00",
            "-1d@d+3h+30m": "2021-04-27 03:30:00",
        }.items()
    }),
    *values(MODIFIERS, RULE, {  # on a Friday: the Saturday before
        _SNAP.format(_FRIDAY, "@w6"): "2021-04-24 00:00:00",
        _SNAP.format(_FRIDAY, "@w5"): "2021-04-30 00:00:00",
    }),

    *values(INFORMATION, EXAMPLE, {
        'if(isarray("[1, 2, 3]"), "True", "False")': "True",
        'if(isarray(1), "True", "False")': "False",
        'if(isbool(1==2), "True", "False")': "True",
        'if(isbool(a), "True", "False")': "False",
        'if(isdouble(3.546), "True", "False")': "True",
        'if(isdouble(1000000), "True", "False")': "False",
        'if(ismv(split("1, 2, 3", ",")), "True", "False")': "True",
        'if(isnum("anystring"), "true", "false")': "false",
        'if(isnum("NaN"), "true", "false")': "false",
        'if(isstr("NaN"), "true", "false")': "true",
        'if(isobject("games"), "True", "False")': "False",
        'if(isobject("{\\"type\\": \\"competitive\\", \\"name\\": \\"Ticket to Ride\\"}"), 1, 0)':
            "1",
        'if(isobject("{cities: \\"3\\"}"), "is object", "is not object")': "is not object",
        'typeof(12) + typeof("string") + typeof(1==2) + typeof(badfield)':
            "NumberStringBoolInvalid",
    }),
    *values(INFORMATION, RULE, {
        'typeof("abc")': "String",
        'if(isint(6), "int", "not int")': "int",
        'if(isint(6.5), "int", "not int")': "not int",
        'if(isnotnull(nothing), "yes", "no")': "no",
        'if(isnull(nothing), "yes", "no")': "yes",
        'if(isnum(6.5), "yes", "no")': "yes",
        'if(isobject("{}"), "True", "False")': "True",
        'if(ismv("one"), "True", "False")': "False",
        'if(isstr("x"), "yes", "no")': "yes",
    }),
    *values(INFORMATION, MEMORY, {'if(isnum("6.5"), "number", "no")': "number"}),
]  # fmt: skip
