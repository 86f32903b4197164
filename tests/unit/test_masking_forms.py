"""What is known for a secret by its form alone: the keys of vendors, the numbers of cards."""

from __future__ import annotations

import re

import pytest

from incident_management.masking import mask

# What stands in place of a letter X is made up; the forms are the vendors' own.
VENDORS = [
    "sntrys_X40", "glc_X40", "lin_api_X40", "ntn_X46", "secret_X43", "figd_X40", "key-F32",
    "F32-us12", "sbp_F40", "bkua_F40", "rubygems_F48", "pul-F40", "sdk-F8-F4-F4-F4-F12", "r8_X37",
    "pscale_pw_X43", "fo1_X43", "fm2_X60", "dp.pt.X43", "X14.atlasv1.X64", "PMAK-F24-F34",
    "ATBBX32", "ATCTT3X60", "CCIPAT_X22_F40", "AKCpX69", "sq0atp-X22", "EAAAX60", "LTAIX20",
    "AKIDX32", "AQVNX35", "ABSKX100", "1//0X40", "dt0c01.U24.U64", "AGE-SECRET-KEY-1U58",
    "bot1234567890:AAX33", "MX23.X6.X27", "v4.local.X60", "$2b$12$X53", "$6$salt$X86",
    "$apr1$salt8888$X22", "$argon2id$v=19$m=65536,t=3,p=4$X22$X43",
    "F36NRAL", "eyJrIjoiX60", "amzn.mws.F8-F4-F4-F4-F12",
]  # fmt: skip
_LETTERS = {"X": "Zq7Rw2Lk9Tb4", "F": "3f9a1c7e5b2d", "U": "Q7ZR2WLK9TB4"}


def _made_up(form):
    def letters(m):
        return (_LETTERS[m[1]] * 9)[: int(m[2])]

    return re.sub(r"([XFU])(\d+)", letters, form)


@pytest.mark.parametrize("form", VENDORS)
def test_a_vendors_key_is_known_by_its_form(form):
    key = _made_up(form)
    masked = mask(f"refused {key}, tried again")
    assert key[-12:] not in masked and masked.endswith(", tried again")
    assert mask(masked) == masked


@pytest.mark.parametrize(
    ("text", "is_card"),
    [
        ("card 4111 1111 1111 1111 declined", True),
        ('{"number":"5500005555555559"}', True),
        ("charged 3782-822463-10005", True),
        ("order 4111111111111112 failed", False),
        ("span 1700000000000000 took 4111.1111111111111111", False),
        ("id=7111111111111115 x4111111111111111", False),
    ],
)
def test_a_number_is_a_cards_by_its_beginning_and_its_check_digit(text, is_card):
    assert ("<masked:card>" in mask(text)) is is_card
    assert is_card or mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password -> hunter2abc",
        "changed db_password \u2192 hunter2abc by bob",
        '{"password"->"hunter2abc"}',
        "bob|password|hunter2abc|ok",
        'user.setPassword("hunter2abc");',
        "client.with_api_key('hunter2abc')",
        'setDbPassword(user.id, "hunter2abc")',
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44=hunter2abc",
        "\uff24\uff22\uff3fpassword: hunter2abc",
    ],
)
def test_arrows_pipes_setters_and_wide_letters_give_a_secret_as_well(text):
    masked = mask(text)
    assert "hunter2abc" not in masked and "<masked:secret>" in masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "state: password -> mfa",
        "hash of password -> sha256 since v2",
        "moved token -> 2026-11-30T10:00:00Z",
        "secret -> vault-1:8200",
        "if (token->next2 != NULL) token->kind3 = 1;",
        "$token->getValue2();",
        "| stats count by password | sort 10",
        "name|password|email|role",
        "password|sha256|salted",
        "index=main password|head 10",
        'checkPassword("user")',
        'setPasswordPolicy("strict")',
        "setToken(null)",
        "\uff2f\uff2b password: expired",
        "\uff34\uff4f\uff4b\uff45\uff4e \u306e\u671f\u9650",
    ],
)
def test_arrows_pipes_and_setters_that_give_none_stay(text):
    assert mask(text) == text
