"""Secrets as programs log them: their options, settings, manifests and languages."""

from __future__ import annotations

import json
import time

import pytest

from incident_management.masking import mask

S = "Zx9kQ2vT7m"
MANIFEST = {"kind": "Secret", "metadata": {"name": "tls"}, "data": {"config.yaml": S * 3}}
SECRETS = [
    # Command lines
    f"sqlcmd -S sql-2 -U sa -P {S} -Q x",
    f"psexec \\\\web-1 -u corp\\bob -p {S} cmd",
    f"useradd -m -p {S} bob",
    f"7z a -p{S} backup.7z data",
    f"sudo: bob : COMMAND=/usr/bin/htpasswd -b /etc/pw bob {S}",
    f"net use Z: \\\\nas\\share /user:corp\\bob {S}",
    f"db2 connect to SHOP user db2inst1 using {S}",
    f"openssl enc -aes-256-cbc -k {S} -in f",
    f"rabbitmqctl add_user bob {S}",
    f"aws configure set aws_secret_access_key {S}",
    f"REDISCLI_AUTH={S} redis-cli",
    f"ora: CONNECT scott/{S}@//ora-1:1521/SHOP",
    # Statements
    f"SET PASSWORD FOR 'bob'@'%' = '{S}'",
    f"SET PASSWORD FOR bob = PASSWORD('{S}')",
    f"SELECT pgp_sym_decrypt(note, '{S}') FROM notes",
    f"SELECT AES_DECRYPT(note, '{S}')",
    f"jdbc:sqlserver://sql-2:1433;user=svc;password={{{S}}}}}x9 zz}};encrypt=true",
    f"INSERT INTO users(name,password) VALUES('bob','{S}')",
    f"insert into users (password_hash, name) values ('{S}', 'bob')",
    # A router's configuration
    f"snmp-server community {S} RO",
    f"username admin password 7 {S}",
    f"radius-server key {S}",
    f"ikev2 pre-shared-key {S}",
    # Manifests
    json.dumps(MANIFEST),
    json.dumps({"last-applied-configuration": json.dumps(MANIFEST)}),
    f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: tls\nstringData:\n  a: b\n  conn: {S}\n",
    f"- kind: Secret\n  data:\n    conn: |\n      {S}\n  type: Opaque",
    f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{S}\nPrivate-MAC: 9f8e",
    # Other languages
    f"mdp={S}",
    f"la clave es {S}",
    f"clave: {S}",
    f"hasło: {S}",
    f"heslo je {S}, wachtwoord is {S}",
    f"ldap_bind: cn=admin with pw {S}",
    f"пароль: {S}",
    f"密码: {S}",
    f"パスワード={S}",
    f"parola={S}",
    f"heslo: {S}",
    # What announces it
    "secret-store: swordfish",
    "api-secret-service: swordfish",
    f"invalid api key: {S}",
    f"GET /accept?invite=abc&auth={S}Ab",
    "Your code is 482910. It expires in 10 minutes",
    "Your login code is 482910",
]
HELD = (S, "swordfish", "482910")


@pytest.mark.parametrize("text", SECRETS)
def test_no_secret_survives_as_programs_write_it(text):
    masked = mask(text)
    assert not any(secret in masked for secret in HELD), masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        'MountVolume.SetUp failed for volume "creds": secret "shop-tls" not found',
        "token_type=bearer expires_in=3600",
        "Access denied for user 'bob'@'10.0.0.7' (using password: YES)",
        "PWD=/srv/shop OLDPWD=/root AUTH PLAIN not offered",
        "INSERT INTO orders(id,name) VALUES(7,'bob')",
        "token-service: timeout",
        "tokenizer=whitespace secretary=alice cookies=disabled",
        "mdpi=1 clave_producto=10115 clave primaria duplicada, parolas 3",
        "connect tcp 10.0.0.7:5432: connection refused",
        "ssh -p 2222 web-1; mkdir -p /srv/shop; docker run -p 8080:80 nginx; useradd bob",
        "net use Z: \\\\nas\\share failed: 53",
        "your code is 500, exit code 1379",
        "kind: ConfigMap\ndata:\n  pool: 5\n",
        'kind: Deployment uses "data": {"pool": "5"}',
        "password 7 times wrong; secret 5 of 12 rotated",
        "GET /orders?auth=kerberos&page=2",
        "secret-store: unreachable",
        "token-cache: timeout",
        "secret-sync: started",
        "api key rotation finished, api key expired",
    ],
)
def test_what_is_no_secret_stays(text):
    assert mask(text, emails=False) == text


def test_a_manifest_keeps_what_is_beside_its_data():
    text = f"kind: Secret\ndata:\n  a: {S}\n  b: {S}\ntype: Opaque\n"
    assert mask(text) == "kind: Secret\ndata: <masked:secret>\ntype: Opaque\n"


@pytest.mark.parametrize(
    "part",
    [
        "kind: Secret\ndata:\n a", "data:\n a: b\n", '"kind":"Secret","data":{"a":',
        "htpasswd -b a ", "net use a /user:a ", "password 7 ", "aes_decrypt(a,", "password={a",
        "set password for a = ", "Private-Lines: 1\na\n", "snmp-server community ",
        "db2 connect to a user a using ", "connect a/", "auth=a1", "secret-store: a", "clave ",
        "your code ", "7z -p", "insert into a(password", "values(", "pwd=/", "openssl -k",
    ],
)  # fmt: skip
def test_a_hostile_line_takes_linear_time(part):
    def seconds(length):
        text = "secret data " + (part * length)[:length]
        begun = time.process_time()
        mask(text)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(80_000) < 8 * max(seconds(20_000), 0.02)
