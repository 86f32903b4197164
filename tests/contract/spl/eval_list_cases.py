"""Eval expressions over numbers, texts, multivalues and JSON."""

from __future__ import annotations

from tests.contract.spl.oracles import EXAMPLE, MEMORY, RULE, EvalCase, values

JSON = "evaluation-functions/json-functions"
MATHEMATICS = "evaluation-functions/mathematical-functions"
MULTIVALUE = "evaluation-functions/multivalue-eval-functions"
STATISTICS = "evaluation-functions/statistical-eval-functions"
TEXT = "evaluation-functions/text-functions"
TRIG = "evaluation-functions/trig-and-hyperbolic-functions"
BITS = "evaluation-functions/bitwise-functions"


def _text(value: str) -> str:
    """A text as a quoted literal of eval."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_NAMES = 'split("alex,celestino,claudia,david,ikraam,nyah,rutherford,wei", ",")'
_PONIES = 'split("buttercup,dash,flutter,honey,ivory,minty,pinky,rarity", ",")'
_CITIES = _text('{"cities":[{"name":"London"},{"name":"Venice"},{"name":"San Francisco"}]}')
_BRIDGE = _text(
    '{"name": "Clifton Suspension Bridge", "length": 1352, "city": "Bristol", "country": "England"}'
)
_WEI = _text(
    '{"name":"Wei Zhang","SSN":"123-45-6789","city":"Seattle","accounts":["Hagal Quartz"]}'
)
_PAULO = _text(
    '{"name":"Celestino Paulo","addresses":{"email":"celestino@sample.com","office":"Panama"}}'
)
_QUOTED = 'mvappend("\\"Buttercup\\"", "\\"Fluttershy\\"", "\\"Rarity\\"", "true", "null")'
_GAMES = 'json_object("category", json_object("boardgames", json_object("cooperative", {})))'
_LIST = 'json_array("Minty", "Rarity", "Buttercup")'

LIST_CASES: list[EvalCase] = [
    *values(JSON, EXAMPLE, {
        'json_object("name", "maria")': '{"name":"maria"}',
        'json_object("name", json_array("maria", "arun"))': '{"name":["maria","arun"]}',
        'json_object("cities", json_array("London", "Sydney", "Berlin", "Santiago"))':
            '{"cities":["London","Sydney","Berlin","Santiago"]}',
        _GAMES.format('json_array("Pandemic", "Forbidden Island", "Castle Panic")'):
            '{"category":{"boardgames":{"cooperative":'
            '["Pandemic","Forbidden Island","Castle Panic"]}}}',
        'json(json_object("animal", "pony"))': '{"animal":"pony"}',
        'json("Golden Gate Bridge")': None,
        f'json_append(json_object("ponylist", {_LIST}), "ponylist", "Fluttershy")':
            '{"ponylist":["Minty","Rarity","Buttercup","Fluttershy"]}',
        'json_append(json_object("Fluttershy", json_object("ponySkills", '
        'json_array("running", "jumping"))), "Fluttershy.ponySkills", "codebreaking")':
            '{"Fluttershy":{"ponySkills":["running","jumping","codebreaking"]}}',
        'json_append(json_object("x", json_array("a", "b", "c")), "x", json_array("d", "e", "f"))':
            '{"x":["a","b","c",["d","e","f"]]}',
        'json_extend(json_object("x", json_array("a", "b", "c")), "x", json_array("d", "e", "f"))':
            '{"x":["a","b","c","d","e","f"]}',
        'json_array("buttercup", "fluttershy", "rarity")': '["buttercup","fluttershy","rarity"]',
        'json_array("dubois", json_object("name", "patel"))': '["dubois",{"name":"patel"}]',
        'json_array_to_mv(json_array("Buttercup", "Fluttershy", "Rarity"))':
            ["Buttercup", "Fluttershy", "Rarity"],
        'json_array_to_mv(json_array("Buttercup", "Rarity"), true())': ['"Buttercup"', '"Rarity"'],
        f'json_delete({_WEI}, "SSN", "accounts")': '{"name":"Wei Zhang","city":"Seattle"}',
        f'json_delete({_PAULO}, "addresses.email")':
            '{"name":"Celestino Paulo","addresses":{"office":"Panama"}}',
        'json_entries("{\\"a\\": 1, \\"b\\": 2}")':
            '[{"key":"a","value":1},{"key":"b","value":2}]',
        'if(json_has_key_exact(json_object("name", "charlie"), "name"), "has key", "no")':
            "has key",
        'if(json_has_key_exact("{\\"charlie.garcia\\":10}", "charlie.garcia"), "has key", "no")':
            "has key",
        'if(json_has_key_exact("{\\"region\\":\\"US\\"}", "status"), "has key", "no")': "no",
        f"json_keys({_BRIDGE})": '["name","length","city","country"]',
        'json_set_exact(json_object(), "system.splunk.path", "/opt/splunk")':
            '{"system.splunk.path":"/opt/splunk"}',
        'json_set(json_object(), "system.splunk.path", "/opt/splunk")':
            '{"system":{"splunk":{"path":"/opt/splunk"}}}',
    }),
    *values(JSON, RULE, {
        'json_object("name", "alex", "years", 12)': '{"name":"alex","years":12}',
        'json_array("a", 1, json_array(2))': '["a",1,[2]]',
        f'json_extract({_CITIES}, "cities{{1}}.name")': "Venice",
        f'json_extract({_CITIES}, "cities{{}}.name")': '["London","Venice","San Francisco"]',
        f'json_extract({_CITIES}, "cities{{2}}")': '{"name":"San Francisco"}',
        f'json_extract({_CITIES}, "cities{{0}}.name", "cities{{1}}.name")': '["London","Venice"]',
        'json_extract("{\\"a\\":null}", "a")': None,
        'json_extract_exact("{\\"system.splunk.path\\":\\"/opt/splunk/\\"}", '
        '"system.splunk.path")': "/opt/splunk/",
        'json_append("{\\"a\\":[]}", "a", 2)': '{"a":[2]}',
        'json_append("{\\"a\\":\\"x\\"}", "a", "y")': '{"a":["x","y"]}',
        'json_append("{\\"a\\":{\\"k\\":1}}", "a", "y")': '{"a":[{"k":1},"y"]}',
        'json_append("{\\"a\\":[1]}", "nowhere", 2)': '{"a":[1]}',
        'json_append("not json", "a", 2)': None,
        'json_append("{\\"a\\":[1]}", "a", 2, "a", 3)': '{"a":[1,2,3]}',
        'json_extend("{\\"a\\":\\"x\\"}", "a", json_array(2, 3))': '{"a":["x",2,3]}',
        'json_set("{\\"a\\":{\\"b\\":1}}", "a.b", 2)': '{"a":{"b":2}}',
        'json_set("{\\"a\\":[1,2]}", "a{1}", "x")': '{"a":[1,"x"]}',
        'json_set("{\\"a\\":1}", "a", "text")': '{"a":"text"}',
        'json_delete("{\\"a\\":1,\\"b\\":2}", "a")': '{"b":2}',
        'json_delete("{\\"student.name\\":1}", "student.name")': '{"student.name":1}',
        'json_array_to_mv("{}")': None,
        'if(json_valid("{nope"), "true", "false")': "false",
        'if(json_valid("{\\"names\\": [\\"maria\\", \\"arun\\"]}"), "true", "false")': "true",
        'json_keys("[1]")': None,
    }),

    *values(MATHEMATICS, EXAMPLE, {
        "ceil(1.9)": "2",
        "floor(1.9)": "1",
        "round(3.5)": "4",
        "round(2.555, 2)": "2.56",
        "sigfig(1.00*1111)": "1110",
        "1.00*1111": "1111",
        "sigfig(123.0 + 4.567)": "127.6",
        "sqrt(9)": "3",
        "sum(1, 2, 3)": "6",
        'sum(1, 2, tonumber("3"))': "6",
    }),
    *values(MATHEMATICS, RULE, {
        "abs(-3)": "3",
        "ceiling(1.1)": "2",
        "exact(3.14 * 2)": "6.28",
        "round(exp(3), 6)": "20.085537",
        "ln(1)": "0",
        "log(8, 2)": "3",
        "log(1000)": "3",
        "pi()": "3.14159265358",
        "pow(2, 10)": "1024",
        "sigfig(0.0012*1.5)": "0.0018",
        "sum(1, badfield)": "1",
    }),

    *values(TRIG, EXAMPLE, {
        "acos(0)": "1.5707963267948966",
        "printf(\"%.10f\", acos(0)*180/pi())": "90.0000000003",
        "acosh(2)": "1.3169578969248166",
        "asin(1)": "1.5707963267948966",
        "asinh(1)": "0.881373587019543",
        "round(atan(0.50), 2)": "0.46",
        "round(atan2(0.50, 0.75), 2)": "0.59",
        "round(atanh(0.500), 3)": "0.549",
        "cos(-1)": "0.5403023058681398",
        'printf("%.11f", cos(pi()))': "-1.00000000000",
        "cosh(1)": "1.5430806348152437",
        "hypot(3,4)": "5",
        "sin(1)": "0.8414709848078965",
        "sinh(1)": "1.1752011936438014",
        "tan(1)": "1.5574077246549023",
        "tan(135)": "-0.08871575677006045",
        "tanh(1)": "0.7615941559557649",
    }),
    *values(TRIG, RULE, {"cos(0)": "1", "round(sin(90 * pi()/180), 9)": "1.000000000"}),

    *values(BITS, EXAMPLE, {
        "bit_and(12, 9)": "8",
        "bit_or(4, 2)": "6",
        "bit_not(9)": "9007199254740982",
        'bit_not(9, tonumber("1111", 2))': "6",
        'tostring(bit_not(9), "binary")': "1" * 49 + "0110",
        'tostring(bit_not(9, tonumber("111", 2)), "binary")': "110",
        "bit_xor(3, 2)": "1",
        "bit_shift_left(2, 1)": "4",
        "bit_shift_left(1, 53)": "0",
        "bit_shift_left(3, 52)": "4503599627370496",
        "bit_shift_left(3, pow(2, 53))": None,
        "bit_shift_left(67, 1)": "134",
        "bit_shift_left(3, -2)": None,
        "bit_shift_right(-3, 1)": None,
        "bit_shift_right(4, 1)": "2",
        "bit_and(4, 6)": "4",
        "bit_or(4, 6)": "6",
        "bit_xor(4, 6)": "2",
        'tostring(bit_shift_left(2,1), "binary")': "100",
        "bit_and(pow(2, 53), 1)": None,
        'tostring(bit_or(tonumber("00010", 2), tonumber("11001", 2)), "binary")': "11011",
        'bit_and(tonumber("00010", 2), 4)': "0",
    }),
    *values(BITS, RULE, {
        "bit_and(12, 10)": "8",
        "bit_or(12, 10)": "14",
        "bit_xor(12, 10)": "6",
        "bit_and(15, 7, 3)": "3",
        "bit_shift_left(1, 4)": "16",
    }),

    *values(MULTIVALUE, EXAMPLE, {
        'commands("search foo | stats count | sort count")': ["search", "stats", "sort"],
        'mvappend(mvappend("localhost", "203.0.113.0"), "203.0.113.255", "192.168.1.1")':
            ["localhost", "203.0.113.0", "203.0.113.255", "192.168.1.1"],
        f"mvindex({_NAMES}, 2)": "claudia",
        f"mvindex({_NAMES}, 0, 3)": ["alex", "celestino", "claudia", "david"],
        f"mvindex({_PONIES}, -1)": "rarity",
        f"mvindex({_PONIES}, -3)": "minty",
        f"mvindex({_PONIES}, -3, -1)": ["minty", "pinky", "rarity"],
        'mvjoin(mvrange(1, 6), " OR ")': "1 OR 2 OR 3 OR 4 OR 5",
        "mvrange(1, 11, 2)": ["1", "3", "5", "7", "9"],
        'mvindex(mvrange(1514834731, 1524134919, "7d"), 0, 4)':
            ["1514834731", "1515439531", "1516044331", "1516649131", "1517253931"],
        'mvreverse(split("1,2,3", ","))': ["3", "2", "1"],
        'mvreverse(mvappend("1", "2", "3"))': ["3", "2", "1"],
        f"mv_to_json_array({_QUOTED}, false())":
            '["\\"Buttercup\\"","\\"Fluttershy\\"","\\"Rarity\\"","true","null"]',
        f"mv_to_json_array({_QUOTED}, true())": '["Buttercup","Fluttershy","Rarity",true,null]',
        'split("abcd", "")': ["a", "b", "c", "d"],
        'split("buttercup;rarity;dash", ";")': ["buttercup", "rarity", "dash"],
        'split("1a2b3c4def567890", "def")': ["1a2b3c4", "567890"],
        'split("name::value", "::")': ["name", "value"],
    }),
    *values(MULTIVALUE, RULE, {
        'mvappend("localhost", mvappend("a", "b"))': ["localhost", "a", "b"],
        'mvcount(split("a;b;c", ";"))': "3",
        'mvcount("one")': "1",
        "mvcount(nothing)": None,
        'mvdedup(split("a;b;a", ";"))': ["a", "b"],
        'mvfind(split("a;bc;c", ";"), "^b")': "1",
        'mvfind(split("a;bc;c", ";"), "err\\d+")': None,
        'mvindex(split("a;b;c", ";"), 1)': "b",
        'mvindex(split("a;b;c", ";"), -2, -1)': ["b", "c"],
        'mvindex(split("a;b;c", ";"), 7)': None,
        'mvjoin(split("a;b;c", ";"), " OR ")': "a OR b OR c",
        "mvrange(1, 3)": ["1", "2"],
        'mvsort(split("b;a;B", ";"))': ["B", "a", "b"],
        'mvsort(split("10,9,70,100", ","))': ["10", "100", "70", "9"],
        'mvzip(split("1;2", ";"), split("x;y", ";"))': ["1,x", "2,y"],
        'mvzip(mvzip("a", "b", "|"), "c", "|")': "a|b|c",
    }),

    *values(STATISTICS, EXAMPLE, {
        "avg(1, 2, 3)": "2",
        'avg(1, 2, tonumber("3"))': "2",
        'max(1, 3, 6, 7, "foo", "baz")': "foo",
        'max(1, 3, 6, 7, "foo", "zaz")': "zaz",
        'max(split("1 3 5 6 4 2", " "))': "6",
        'min(3, 6, 7, "maria", 9)': "3",
        'min(3, 6, 7, "maria", 1)': "1",
        'min(split("3 5 6 4 7 2", " "))': "2",
    }),
    *values(STATISTICS, RULE, {
        'max(1, 3, 6, 7, "foo", field)': "foo",
        'min(1, 3, 6, 7, "foo", field)': "1",
        "avg(1, 2, 6)": "3",
        'if(random() >= 0 AND random() <= 2147483647, "in", "out")': "in",
        'if(random() % 100000 + 1 <= 100000, "in", "out")': "in",
    }),

    *values(TEXT, EXAMPLE, {
        **{f'len("{name}")': count for name, count in (
            ("buttercup", "9"), ("rarity", "6"), ("tenderhoof", "10"), ("dash", "4"),
            ("mistmane", "8"))},
        'ltrim(" ZZZZabcZZ ", " Z")': "abcZZ ",
        'rtrim(" ZZZZabcZZ ", " Z")': " ZZZZabc",
        'trim(" ZZZZabcZZ ", " Z")': "abc",
        'substr("string", 1, 3) + substr("string", -3)': "string",
        'replace("1/14/2023", "^(\\d{1,2})/(\\d{1,2})/", "\\2/\\1/")': "14/1/2023",
        'urldecode("http%3A%2F%2Fwww.splunk.com%2Fdownload%3Fr%3Dheader")':
            "http://www.splunk.com/download?r=header",
    }),
    *values(TEXT, RULE, {
        'len("héé")': "3",
        'lower("HeLLo")': "hello",
        'lower(split("A;B", ";"))': ["a", "b"],
        'upper("abc")': "ABC",
        'upper(split("a;b", ";"))': ["A", "B"],
        'ltrim("$12", "$")': "12",
        'ltrim(" \tabc ")': "abc ",
        'rtrim(" abc\t ")': " abc",
        'trim(" \tabc\t ")': "abc",
        'substr("string", 2)': "tring",
        'substr("string", -2, 1)': "n",
        'replace("a.b.c", "\\.", "-")': "a-b-c",
        'replace("a\\\\b", "\\\\\\\\", "/")': "a/b",
        'spath("{\\"vendorProductSet\\":{\\"product\\":{\\"desc\\":3}}}", '
        '"vendorProductSet.product.desc")': "3",
    }),
    *values(TEXT, MEMORY, {'length("mistmane")': "8"}),
]  # fmt: skip

Refused = tuple[str, str, str]
REFUSED: list[Refused] = [
    (MATHEMATICS, 'sum(1, 2, "3")', "does not take text"),
    (MATHEMATICS, 'sum("somedata", 2, 3)', "does not take text"),
    (STATISTICS, 'avg(1, 2, "3")', "does not take text"),
    ("evaluation-functions/conversion-functions", 'tonumber("seven")', "is not a number"),
    ("search-commands/eval", "1 == 1", "boolean"),
]
"""(page, expression, part of the message): what the manual says is an error."""
