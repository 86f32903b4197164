"""Addresses as settings name them: none can end a command or a header field."""

from __future__ import annotations

import pytest

from incident_management.mailboxes import addresses


def test_addresses_are_plain_ones():
    assert addresses(" a@b.example;c.d+e@f , a@b.example,") == ("a@b.example", "c.d+e@f")
    not_plain = ("a", "a@", "A <a@b>", "a@b c@d", "a@b\r\nRCPT TO:<c@d>", "ä@b")
    for one in (*not_plain, "a@-b", "a@b..c", "a..b@c", ".a@b"):
        with pytest.raises(ValueError, match="no e-mail address"):
            addresses(one)
    with pytest.raises(ValueError, match="at most 50"):
        addresses(",".join(f"a{number}@b.example" for number in range(51)))
