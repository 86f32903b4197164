from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.masking import mask, mask_values
from incident_management.masking.names import NAMED as NAMED_SECRET
from incident_management.masking.names import begins

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login password=hunter2 failed", "hunter2"),
        ('{"password": "two words", "user": "bob"}', "two words"),
        ('{\\"api_key\\": \\"abc123def\\"}', "abc123def"),
        ("DB_PASSWORD: s3cr3t!", "s3cr3t!"),
        ('{"diff": "-api_key: old-one\\n+api_key: new-one"}', "new-one"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("key AKIA" + "IOSFODNN7EXAMPLE used", "IOSFODNN7EXAMPLE"),
        ("Authorization: Bearer abcdef0123456789xyz", "abcdef0123456789xyz"),
        ("Authorization: Splunk 192fd3e70000deadbeef", "192fd3e70000deadbeef"),
        (f"token {JWT} rejected", "dozjgNryP4J3jVmNHl0w5N"),
        ("postgres://shop:pa55word@db:5432/shop", "pa55word"),
        ("posting with xoxb-" + "123456789012-abcdefGHIJ", "abcdefGHIJ"),
        ("https://hooks.slack.com/services/T0/B0/zzzzzzz", "zzzzzzz"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "klmnopqrst"),
        ("-----BEGIN RSA PRIV" + "ATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
        ("-----BEGIN PRIV" + "ATE KEY-----\nMIIcut", "MIIcut"),
        ("mail to jane.doe@example.com bounced", "jane.doe"),
        ("Set-Cookie: session=abcdef123456", "abcdef123456"),
        ("sent with xoxb-12345-s3cret to Slack", "12345"),
        ("https://x.example/?q%3Dxoxz-12-s3cret", "s3cret"),
        ("Authorization: Bearer abc.s3cret.def", "s3cret"),
        ("sent Bearer s3cret", "s3cret"),
        ("Basic dXNlcjpw refused", "dXNlcjpw"),
        ("Splunk " + "a" * 20 + "^s3cret^" + "b" * 20, "s3cret"),
        ("aws_secret_access_key      = s3cretKEY", "s3cretKEY"),
        ("cutAKIA" + "S3CRETS3CRETAAAABBBB", "S3CRET"),
        ("https://x.example/workflows/1?api=2&sig=s3cret&x=1", "s3cret"),
        ("https://user:p@s3cret@proxy.example", "s3cret"),
        ("https://user:" + "p" * 300 + "s3cret@proxy.example", "s3cret"),
        ("https://s3cret0123456789abc:x-oauth-basic@git.example/shop", "s3cret"),
        ("hooks.slack.com/services/T0/B0/s3cret answered 404", "s3cret"),
        ("routing_key='s3cret0123'", "s3cret"),
    ],
)
def test_a_secret_does_not_survive(text, secret):
    assert secret in text
    assert secret not in mask(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("the password is hunter2", "hunter2"),
        ('The new password is "swordfish".', "swordfish"),
        ("password was changed to Summer2024! by bob", "Summer2024"),
        ("pwd has been reset to S3cure-Pass, log in", "S3cure"),
        ("my pwd is now P@ssword.", "P@ssword"),
        ("logging in using password Tr0ub4dor on web-01", "Tr0ub4dor"),
        ("user bob pass hunter22 rejected", "hunter22"),
        ("your api key is 9f8e7d6c5b4a3210", "9f8e7d"),
        ("Das Passwort lautet geheim123", "geheim123"),
        ("mot de passe: azerty99", "azerty99"),
        ("contraseña=qwerty88", "qwerty88"),
        ("passcode 482910 sent to bob", "482910"),
        ("your verification code is 4829", "4829"),
        ("the recovery key is 123456-654321-111111", "654321"),
        ("body client_secret%22%3A%22abcDEF123456", "abcDEF"),
        ("session_id=9f8e7d6c5b4a32100123 opened", "9f8e7d"),
        ('{"sessionId": "A1B2C3D4E5F6A7B8C9D0", "n": 1}', "A1B2C3"),
        ("X-Session-Id: 0b7c6f0e-2d7c-4c8e-9f0e-1d2c3b4a5968", "0b7c6f0e"),
        ("paid to DE89370400440532013000 today", "37040044"),
        ("paid to DE89 3704 0044 0532 0130 00 TODAY", "0532"),
        ("iban: GB29NWBK60161331926819", "NWBK"),
        ("FR1420041010050500013M02606 refused", "200410"),
        ("password: ABC1234 rejected", "ABC1234"),
        ("DB_PASSWORD_SERVICE=hunter22", "hunter22"),
        ("password_reset_token=hunter22", "hunter22"),
        ("api_tokens: hunter22", "hunter22"),
    ],
)
def test_what_is_reported_in_a_sentence_does_not_survive(text, secret):
    masked = mask(text)
    assert secret not in masked and mask(masked) == masked
    last = text.split()[-1]
    assert secret in last or masked.split()[-1] == last


@pytest.mark.parametrize(
    "text",
    [
        "password-reset: mail sent",
        "secret-01: down",
        "password-reset-01: 500",
        "token-store: unreachable",
        "credential-helper: started",
        "auth-token-refresher: timeout after 30s",
        "api-key-rotation: finished",
        "db-password-rotator: rotated",
        "queue secret-rotation: depth 400",
        "unexpected token: '}'",
        "syntax error near unexpected token: newline",
        "session=12345678 opened",
        "session: orders-01 closed",
    ],
)
def test_the_name_of_a_job_or_host_that_begins_a_line_announces_no_secret(text):
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password-reset: Tr0ub4dor3",
        "secret-01: Tr0ub4dor3",
        "secret-01=swordfish",
        "db-password-staging: swordfish",
        "db-password-production: swordfish",
        "password-user: swordfish",
        "client-secret-value: swordfish",
        "db-password: swordfish",
        "x-auth-token: swordfish",
        "sessionid=ab12cd34ef",
        "session_id=9f8e7d6c5b4a",
        '{"session_id":"Zx81kq0P"}',
        "session id: 8f3k2l1m",
        "unexpected token: 9f8e7d6c5b4a",
        'Unexpected token="s3cr3tVa1ue" in the header',
    ],
)
def test_what_only_looks_like_such_a_name_is_masked(text):
    assert "<masked:" in mask(text) and mask(mask(text)) == mask(text)


S = "Tr0ub4dor3verysecret"
NAMED = [
    f"request failed: GET /pay Cookie: _ga=GA1.2; JSESSIONID={S}; path=/",
    f"Set-Cookie: id=1; Path=/; token={S}",
    f'{{"msg": "GET /pay Cookie: a=1; b={S}", "level": "ERROR"}}',
    f'{{"headers": {{"Cookie": ["a=1; b={S}", "c={S}"]}}}}',
    f'Authorization: Digest username="shop", response="{S}"',
    f"postgres://shop:Zx9@{S}@db-1:5432/shop",
    f"postgres://shop@db-1:{S}@db-1:5432/shop",
    f"postgres://shop:pa/ss{S}@db-1:5432/shop",
    f'"https:\\/\\/shop:{S}@db-1\\/x"',
    f"shop:{S}@tcp(db-1:3306)/shop",
    f"mysqldump --user root --password {S} shop",
    f"mysql -h db-1 -uroot -p{S} shop",
    f'["backup", "--db-password", "{S}"]',
    f"sshpass -p {S} ssh db-1",
    f"curl -s -u shop:{S} http://pay",
    f"ALTER USER shop PASSWORD '{S}'",
    f"CREATE USER shop IDENTIFIED BY '{S}'",
    f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={S}==",
    f'{{"name":"DB_PASSWORD","value":"{S}"}}',
    f'{{"value": "{S}", "name": "DB_PASSWORD"}}',
    f'{{"op":"replace","path":"/spec/password","old":"{S}","new":"x{S}"}}',
    f'{{\\"name\\":\\"DB_PASSWORD\\",\\"type\\":\\"env\\",\\"value\\":\\"{S}\\"}}',
    f"- name: DB_PASSWORD\n  value: {S}\n- name: LOG_LEVEL",
    f'<add key="DbPassword" value="{S}"/>',
    f"<password>{S}</password>",
    f'<wsse:Password Type="text">{S}</wsse:Password>',
    f"DB_PASS={S}",
    f"dbPass: {S}",
    f"pass={S}",
    f"ssh passphrase={S}",
    f"password => {S}",
    f"POST /login body password%3D{S}",
    f"password=a,{S}&{S};",
    f'Password = "a\\"{S}"',
    f'{{"password": "{S} and the event is cut he',
    f"https://store/blob?sv=1&sig={S}&se=2",
    f"https://outlook.office.com/webhook/{S}/IncomingWebhook/{S}",
    f"https://shop.webhook.office.com/webhookb2/{S}",
    f"https://discord.com/api/webhooks/1/{S}",
    f"Incorrect API key provided: sk-proj-{S}",
    f"sk-ant-api03-{S}",
    f"jdbc:oracle:thin:shop/{S}@//db-1:1521/shop",
    f"sqlplus -s shop/{S}@shop",
    f"next=https%3A%2F%2Fshop%3A{S}%40db-1%2Fx",
    f"body password%253D{S}",
    f"requirepass {S}",
    f"machine api.example\n  login shop\n  password {S}",
    f"mongosh -u root -p {S} shop",
    f"keytool -list -storepass {S} -keystore x",
    f"Connect-Shop -User shop -Password {S}",
    f"smbclient //db-1/x -U shop%{S}",
    f"snmpwalk -v2c -c {S} db-1",
    f"DBPASS={S}",
    f"sshpass={S}",
    f"psk={S}",
    f"creds={S}",
    f'{{"app_key":"{S}"}}',
    f"ASP.NET_SessionId={S}",
    f"connect.sid=s%3A{S}",
    f"client_assertion={S}&code_verifier={S}",
    f"SAMLResponse={S}",
    f"GET /maps?key={S} 200",
    f"[password] => {S}",
    f'["password"]=> string(20) "{S}"',
    f'{{"credentials": {{"username": "shop", "value": "{S}"}}}}',
    f'{{"secrets": {{\n  "db": "{S}",\n  "mail": "{S}"\n}}}}',
    f'{{"tokens": [\n  "{S}",\n  "x{S}"\n]}}',
    f"client_secret: >-\n  {S}\n  {S}\nname: shop",
    f"<password>\n<![CDATA[{S}]]></password>",
    f'form-data; name="password"\r\n\r\n{S}\r\n--x',
    f'"rawHeaders":["Host","shop","Cookie","sid={S}","X-Api-Key","{S}"]',
    f"headers=[(b'host', b'shop'), (b'cookie', b'sid={S}')]",
    f'{{"auths":{{"https://registry.example":{{"auth":"{S}"}}}}}}',
    f"//registry.example/:_auth={S}==",
    f"Authorization: SSWS {S}; sent GenieKey {S}",
    f"AUTH PLAIN {S}",
    f"eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp.48V1_ALb6.5eym8TW_c8.{S}",
    f"npm_{S * 2}",
    f"pypi-{S}",
    f"hvs.{S}{S}",
]


@pytest.mark.parametrize("text", NAMED)
def test_no_part_of_a_named_secret_survives(text):
    assert S in text
    masked = mask(text)
    assert S not in masked and mask(masked) == masked


def test_what_stands_beside_a_secret_is_kept():
    log = '{"msg": "GET /pay Cookie: a=1; b=2", "level": "ERROR"}'
    assert mask(log) == '{"msg": "GET /pay Cookie: <masked:secret>", "level": "ERROR"}'
    env = '[{"name":"DB_PASSWORD","value":"x1y2"},{"name":"LOG_LEVEL","value":"debug"}]'
    assert mask(env) == env.replace("x1y2", "<masked:secret>")
    url = "dial postgres://shop:a@b@db-1:5432/shop failed"
    assert mask(url) == "dial postgres://shop:<masked:password>@db-1:5432/shop failed"
    dump = "mysqldump --user root --password X1y2 shop: exit status 2"
    assert mask(dump) == dump.replace("X1y2", "<masked:secret>")


@pytest.mark.parametrize(
    "text",
    [
        "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 2.00",
        "jwt validation failed: token is expired",
        "2026-06-18T14:05:30Z GET /api/order 500 in 12ms",
        "https://paymentservice.svc:8443/charge failed",
        "tests: pass 3 of 5, passed=12 failed=1",
        "pass=12 fail=3",
        "compass=north bypass: true passive=1 passenger: bob",
        "x509: certificate has expired or is not yet valid: current time 2026-01-31T10:00:00Z",
        'FATAL: password authentication failed for user "shop"',
        "Basic authentication required; token verification failed",
        "proxy http://proxy:3128/, then http://db:5432/x?owner=a@b.c",
        "could not load config: missing required key STRIPE_KEY",
        '{"name": "LOG_LEVEL", "value": "debug", "path": "/etc/app.conf"}',
        "<status>failed</status><name>orders</name>",
        "ERROR: duplicate key value violates unique constraint, Key (id)=(7) already exists",
        "signal 11, code=500 sig=11 GET /x?code=500&page=2",
        "mysql -h db-1 -P 3306 shop: can't connect",
        "curl -sS http://payments:8080/health: connection refused",
        "deploy --password-file /etc/pw --replicas 3",
        "pool_size: 10 -> 1; key=orders:1234; partition key: 7",
        "java.lang.NullPointerException: at com.shop.Secrets.load(Secrets.java:12)",
        "task-runner risk-free desk-lamp SKU-123",
        "GET /incidents failed: splunkd at https://127.0.0.1:8089 answered 503; 3 tokens left",
        'WWW-Authenticate: Bearer realm="shop", error="expired"',
        "Bearer token missing; expected a Bearer token.",
        "published routing_key=orders.created, routing_key: 'orders.*'",
        "order DE-1700000000123456 at 2023111422132000 trace=4bf92f3577b34da6a3ce929d0e0e4736",
        "BYPASS=true COMPASS=north; proxy_pass http://orders:8080; error_code: 500",
        "listening on https%3A%2F%2Forders%3A8080%2Fx%3Fby%3Da%40b",
        '{"auth": "kerberos-authentication", "auth_type": "basic", "methods": ["get", "post"]}',
        "user logged in: session_id=abc123 -- sort -k 2 -p 80; head -c 20",
        "-token validation moved\n+session checks moved",
        "sdk-core 1.2.3, app-key.pem not found, key-value store, v1.local.example",
        "GET /x?key=order-1&page=2 200; summary: >-\n  all is well",
        # Names of services that deal with secrets, and what is counted or named of them
        "token-service: 120 errors, 0 before; http://token-service:8080/x failed",
        "cookie-consent: connection refused, com.shop.TokenService: validation failed",
        '{"max_tokens": 2000, "input_tokens": 812} max_tokens: 100 token_count=12000',
        "secretName: orders-db, passwordPolicy: strict, token_type: Bearer",
        "private_key_path=/etc/ssl/key.pem token_url=https://idp.example/oauth",
        # Codes of messages, and what is said of a secret
        "STEP PASSWORD: IEF403I PAYROLL - STARTED - TIME=12.00.01",
        "invalid token: ORA-00936: missing expression",
        "Invalid client secret: AADSTS7000215: see the portal",
        "authorization: DSNT408I SQLCODE = -922, ERROR: AUTHORIZATION FAILURE",
        "DFHSN1108 signature: SQL0104N An unexpected one was found",
        '{"token": "expired", "password": "required"} certificate token: invalid',
        "the password is expired; the token was issued 3 days ago, the secret is not set",
        "token is RS256 signed, password hash sha256 mismatch, the token was valid for 3600s.",
        "password has 12 characters, password was reset by admin, the secret is held by db-1:5432",
        "session=7 of 12, session_id=abc123, sid=scheduler__admin__app__RMD5x_at_1700000300_1",
        "request_id=0b7c6f0e-2d7c-4c8e-9f0e-1d2c3b4a5968 on web-01, GB33 is a postcode",
        "order DE00370400440532013000, part AB12 3456 7890 1234, code 404 pin 1024",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert mask(text, emails=False) == text


@pytest.mark.parametrize(
    "part",
    [
        "a", "-", "a-", "a.", "\\", '"', "://", "://a:", "eyJ-", "-SG.", "password", "password[",
        'password="', "password=,", "name=password ", '"name":"password","value":"x",', "value:\"",
        "routing_key=a.", "://a1", "token    ", "hooks.slack.com",
        "unexpected token: ", "unexpected token=a1",
        "%3A%2F%2F", "%3A", "jdbc:oracle:x:a", "sqlplus ", "4111 ", "1", "password: |\n ",
        "password={a:", 'name="password"\n', '"auth":"', " -a-", '"x-', "snmpget ",
        "machine a login ", "$2a$", "12345678:AA", "M", "AAAA", "0",
        "session=", "sess_id: 1a", "the password is ", "password is a1", "DE89 ", "DE89", "otp 1 1",
        "passcode is ", "pass hunter", "token was set to ",
        "docker login ", "mysql ", "curl ", "<password ", "cookie:a", "a@a.", "--a-", "id:",
        "\x1b[", "\x1b[0", "\x1b[0m", "[1;", "\\u001b[", "\u200b", "password\x1b[0m=",
    ],
)  # fmt: skip
def test_a_hostile_line_takes_linear_time(part):
    def seconds(length):
        text = (part * length)[:length]
        begun = time.process_time()
        mask(text)
        return time.process_time() - begun

    seconds(1_000)
    short, long = min(seconds(12_500) for _ in range(3)), seconds(100_000)
    assert long < 8 * short * 3 + 0.2, (
        "eight times the text took much more than eight times as long"
    )


def test_values_are_masked_by_their_names_and_addresses_stay():
    found = mask_values({"token": ["s3cretAAAA"], "by": "ann@example.com", "n": 3, "why": "a b"})
    assert found == {"token": ["<masked:secret>"], "by": "ann@example.com", "n": 3, "why": "a b"}


def test_emails_may_be_kept():
    assert mask("to jane@example.com", emails=False) == "to jane@example.com"


@given(st.text(max_size=300))
def test_masking_twice_is_masking_once(text):
    assert mask(mask(text)) == mask(text)


@given(st.sampled_from(NAMED), st.sampled_from([str.upper, str.lower, str.title, str]))
def test_a_name_is_found_wherever_it_begins(text, write):
    """Names are looked for where their first letters stand: no more, and no less, is found so."""
    text = write(text)
    assert any(NAMED_SECRET.match(text, place) for place in begins(text)) is bool(
        NAMED_SECRET.search(text)
    )
    assert {m.start() for m in NAMED_SECRET.finditer(text)} <= set(begins(text))


@pytest.mark.parametrize("word", ["password", "db_pass", "apiKey", "otp", "cvv2", "Set-Cookie"])
def test_a_letter_that_is_two_as_a_small_one_hides_nothing(word):
    assert "s3cret" not in mask(f"İstanbul {word}=s3cret")


@given(st.lists(st.sampled_from(NAMED), min_size=2, max_size=4))
def test_the_secrets_of_several_lines_are_all_masked(texts):
    masked = mask("\n".join(texts))
    assert S not in masked
    assert mask(masked) == masked


@pytest.mark.parametrize("digits", ["PWDA7F", "7FPWDA", "A7FPWD", "SENHA2", "81V3PW"])
def test_an_incidents_id_that_has_a_secrets_name_in_it_hides_nothing(digits):
    said = f"INC-20261130-{digits}: Errors in checkout"
    assert mask(said) == said
    told = f'{{"id": "INC-20261130-{digits}", "title": ["INC-20261130-{digits}", "Errors"]}}'
    assert mask(told) == told
    assert mask(json.dumps(told)) == json.dumps(told)
    assert "hunter22" not in mask(f'["INC-20261130-{digits}-pwd", "hunter22"]')
    assert "hunter22" not in mask(f"INC-20261130-{digits} password: hunter22")
    assert "hunter22" not in mask(f"INC-20261130-{digits}-pwd: hunter22")
