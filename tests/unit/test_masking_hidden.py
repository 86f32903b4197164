"""Secrets whose names or values hold what nobody sees: colours, control and format characters."""

from __future__ import annotations

import pytest

from incident_management.masking import mask

E = "\x1b"


@pytest.mark.parametrize(
    "text",
    [
        # As logrus, zap, winston and click colour their fields, as it is and in a container's JSON
        f"{E}[36mpassword{E}[0m=hunter2",
        f"{E}[36mINFO{E}[0m[0003] login  {E}[36mtoken{E}[0m={E}[33mhunter2{E}[0m",
        f"{E}[1;38;5;208mdb_password{E}[0m: hunter2",
        r'{"log":"\u001b[36mpassword\u001b[0m=hunter2\n","stream":"stderr"}',
        r"\x1b[36mpassword\x1b[0m=hunter2",
        r"\033[36mpassword\033[0m=hunter2",
        "#033[36mpassword#033[0m=hunter2",  # rsyslog
        "^[[36mpassword^[[0m=hunter2",
        "[36mpassword[0m=hunter2",  # the escape character was dropped on the way
        # The end of a colour as `tput sgr0` writes it, and as `grep --color` does
        f"{E}[31mpassword{E}(B{E}[m=hunter2",
        "password#033(B#033[m=hunter2",
        "password(B[m=hunter2",
        f"password{E}[m{E}[K=hunter2",
        r"\u{1b}[36mpassword\u{1b}[0m=hunter2",  # Rust's {:?}
        # A colour's end between the name and the value is not the value.
        f"{E}[36mtoken:{E}[0m hunter2",
        r'{"log":"\u001b[36mpassword:\u001b[0m hunter2\n"}',
        f'"password":{E}[0m "hunter2"',
        "[36mpassword:[0m hunter2",
        f"Cookie: {E}[0msession=hunter2",
        f"Authorization: {E}[0mBearer hunter2",
        f"user=bob\x00password:{E}[0m hunter2\x00shell=/bin/sh",
        f"AKIA{E}[0mIOSFODNN7EXAMPLE hunter2".replace(" hunter2", ""),
        "pass\u200bword=hunter2",
        "p\u00adassword: hunter2",
        r'{"pass\u200bword": "hunter2"}',
        "password\x00=\x00hunter2",
        "".join(f"{letter}\x00" for letter in "password=hunter2"),  # UTF-16, read as bytes
        # The same as rows of splunkd have it: without_nul() in splunk/nul.py
        "password\ufffd=\ufffdhunter2",
        "".join(f"{letter}\ufffd" for letter in "password=hunter2"),
        # As people write it, and as Gson and HTML do
        "\u5bc6\u7801\uff1ahunter2",
        "\u30d1\u30b9\u30ef\u30fc\u30c9\uff1dhunter2",
        r'{"url":"https://shop.example/?password\u003dhunter2"}',
        "password&#61;hunter2",
    ],
)
def test_what_nobody_sees_hides_no_secret(text):
    masked = mask(text)
    bare = masked.replace("\x00", "").replace("\ufffd", "")
    assert "hunter2" not in bare and "IOSFODNN7" not in bare
    assert "<masked:" in masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        f"{E}[32mINFO{E}[0m order {E}[36mid{E}[0m=17 took 35 ms",
        "\u2068Anna\u2069 opened [1m the door \\u001b[0m",
        f"{E}[31mtoken{E}[0m: expired",
        f"{E}[36m@app.route{E}[0m is slow",  # no address of mail begins in a colour
        "array[3m] of x\x00y",
        "[main] sum(rate(failures[5m])) (B[3m]",
    ],
)
def test_what_holds_no_secret_keeps_its_colours(text):
    assert mask(text) == text
