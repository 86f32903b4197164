"""Tokens of vendors by their form alone, hyperlinks of terminals, and letters that look alike."""

from __future__ import annotations

import time

import pytest

from incident_management.masking import mask

# Made up; put together here so that nobody takes this file for a leak.
A = "q3Xv9LmZt2Rk7WbY4cNs8HdJ5fGp6TaEu1KoViMx0CzBwSyDlQ"
HEX = "9f1c03ab7d5e2846"
TOKENS = {
    "github-token": [f"ghs_{A[:16]}_eyJ{A[:20]}.{A[:40]}.{A[:43]}", f"github_pat_{A[:22]}_{A}"],
    "gitlab-token": [f"glpat-{A[:27]}.01.{A[:9]}", f"glagent-{A}", f"glrtr-{A[:20]}"],
    "stripe-key": [f"sk_org_live_{A[:40]}"],
    "google-key": [f"GOOG1E{A.upper()}", f"AQ.Ab8{A}"],
    "azure-secret": [f"{A}xYJQQJ99{A[:18]}AZDO{A[:4]}"],
    "cloud-key": [
        *(f"{kind}_{A[:40]}{HEX[:8]}" for kind in ("cfut", "cfat", "cfk")),
        f"v1.0-{HEX}{HEX[:8]}-{HEX * 9}{HEX[:2]}",
        f"sb_secret_{A[:22]}_{A[:8]}",
        f"napi_{A}{A[:14]}",
        f"vcp_{A}",
        f"nfp_{A[:36]}",
        f"rnd_{A[:28]}",
        f"HRKU-AA{A}",
        f"tskey-auth-{A[:17]}-{A[:32]}",
        f"ver:1-hint:524970133335-{A}",
    ],
    "model-key": [
        f"gsk_{A}",
        f"xai-{A}{A[:30]}",
        f"pplx-{A[:48]}",
        f"lsv2_pt_{HEX * 2}_{HEX[:10]}",
        f"tvly-dev-{A[:32]}",
        f"fw_{A[:24]}",
    ],
    "package-key": [f"dckr_oat_{A[:32]}", f"cmVmdGtuO{A}", f"cio{A[:32]}"],
    "vault-token": [f"AGE-SECRET-KEY-PQ-1{A.upper()}{A[:8].upper()}", f"s.{A[:24]}"],
    "mail-key": [f"xkeysib-{HEX * 4}-{A[:16]}", f"re_{A[:8]}_{A[:24]}"],
    "monitoring-key": [f"ddapp_{A[:34]}", f"ddpat_{A[:40]}", f"essu_{A}"],
    "service-key": [
        f"sqp_{HEX * 2}{HEX[:8]}",
        f"snyk_uat.{A[:8]}.{A}",
        f"pat{A[:14]}.{HEX * 4}",
        f"pat-na1-{HEX[:8]}-{HEX[:4]}-{HEX[4:8]}-{HEX[8:12]}-{HEX[:12]}",
        f"tfp_{A[:43]}",
        f"ops_eyJ{A * 3}",
        f"2/1200000000000001/1200000000000002:{HEX * 2}",
    ],
}


@pytest.mark.parametrize("before", ["call failed with ", "value=", '{"detail":"', "x\n"])
@pytest.mark.parametrize(("kind", "token"), [(k, t) for k, found in TOKENS.items() for t in found])
def test_a_token_is_known_by_its_form(kind, token, before):
    assert mask(f"{before}{token}") == f"{before}<masked:{kind}>"


@pytest.mark.parametrize(
    "text",
    [
        "s.customerOrderServiceImpl2 failed",
        "s.CustomerOrderServiceImplXX failed",
        "fw_rulesForTheOuterFirewall loaded",
        "re_download_attachments_of_customers",
        "glrt-1 registered",
        "vcp_install done, tskey missing",
        "ver:1-hint:12",
        "cfk_create_table",
    ],
)
def test_names_that_begin_like_one_are_none(text):
    assert mask(text) == text


E = "\x1b"
LINK, END = f"{E}]8;;https://docs.example{E}\\", f"{E}]8;;{E}\\"


@pytest.mark.parametrize(
    "text",
    [
        f"pass{LINK}word{END}=hunter2",
        f"password {LINK}= hunter2{END}",
        f"{E}]8;id=7;https://d.example\apassword{E}]8;;\a: hunter2",
        r"pass\u001b]8;;https://d\u001b\\word\u001b]8;;\u001b\\=hunter2",
        f"{E}]8;;https://shop.example/?token=hunter2{E}\\open{END}",
        f"see {E}]8;;https://shop.example/?token=hunter2{E}\\here{END}, nothing else",
        f"{E}]8;;https://bob:hunter2@shop.example\ahere{E}]8;;\a",
    ],
)
def test_a_hyperlink_hides_no_secret_in_its_text_or_in_its_address(text):
    assert "hunter2" not in mask(text)


def test_a_text_with_harmless_hyperlinks_stays_as_it_is():
    text = f"see {LINK}the docs{END} and {E}]8;; without an end"
    assert mask(text) == text


# Each has letters of Cyrillic or Greek in it.
@pytest.mark.parametrize(
    "name", ["раssword", "pаssword", "tоken", "ѕecret", "аpi_kеy", "pαssword", "tοken", "PΑSSWORD"]
)
@pytest.mark.parametrize("form", ["{}=hunter2", "{}: hunter2", '{{"{}": "hunter2"}}'])
def test_a_name_in_letters_that_only_look_like_its_own_is_known(name, form):
    assert not name.isascii()
    assert "hunter2" not in mask(form.format(name))


@pytest.mark.parametrize(
    "text",
    [
        "Ошибка: отр=12, нет соединения с базой orders",
        "Σφάλμα: ο διακομιστής δεν απαντά, κωδικός=12",
        "микроservice не отвечает: timeout=30",
        "раss the salt",
    ],
)
def test_words_of_other_alphabets_stay_as_they_are(text):
    assert mask(text) == text


@pytest.mark.parametrize(
    "text", ["| DB_PASSWORD | hunterX9a |", "password | hunterX9a", "token   |   hunterX9a"]
)
def test_a_cell_beside_the_name_of_a_secret_is_one_where_it_looks_like_one(text):
    assert "hunterX9a" not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "| password | required |",
        "| token | 2023-11-14 |",
        "| secret | v1beta1 |",
        "kubectl get secret | base64",
        "echo token | sha256sum",
        "| password | sha256crypt |",
        "| token | k8s-prod-1 |",
    ],
)
def test_other_cells_are_none(text):
    assert mask(text) == text


@pytest.mark.parametrize("part", [f"{E}]8;;", f"{E}]8;;https://a", "]8;", "аa", "s.A1", "token | "])
def test_hostile_texts_take_no_longer(part):
    begun = time.process_time()
    mask(part * (200_000 // len(part)))
    assert time.process_time() - begun < 2.0
