"""Secrets are masked by name, by form and by value; what lineage needs is left alone."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.capture.redact import Redactor
from headwater.capture.secrets import MASK, is_secret_name

SECRET = "hunter2-Zq9"
IN_TEXT = [
    f"password={SECRET}",
    f"PASSWORD: {SECRET}",
    f"--db-password {SECRET} --epochs 3",
    f"--token={SECRET}",
    f"ValueError: bad api_key='{SECRET}'",
    f'{{"client_secret": "{SECRET}", "a": 1}}',
    f'{{\\"client_secret\\": \\"{SECRET}\\"}}',
    f"postgresql+psycopg://bob:{SECRET}@db:5432/shop",
    f"postgres://bob:p@{SECRET}@db/shop",
    f"amqp://{SECRET}@broker",
    f"https://h/data.csv?sig={SECRET}&x=1",
    f"https://bucket.s3.amazonaws.com/k?X-Amz-Signature={SECRET}",
    f"Server=tcp:h;User Id=bob;Password={SECRET} two words;Encrypt=yes",
    f"Authorization: Bearer {SECRET}",
    f"DefaultEndpointsProtocol=https;AccountKey={SECRET};EndpointSuffix=core",
    f"    client = Client(secret='{SECRET}')",
    f"user.password = '{SECRET}'",
]
FORMS = [
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "xoxb-1234567890-abcdefghij",
    "hf_abcdefghijklmnopqrstuvwxyz",
    "sk-proj-abcdefghijklmnop1234",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "5555555555554444",
    "export X=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1",
]
INNOCENT = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01a20650-0c2f-71ed-8eb6-91a7e02ff736",
    "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "join_key=customer_id",
    "primary key",
    "max_tokens=4096",
    "token_count=17",
    "s3://bucket/path/part-00000-2f1c.parquet",
    "2026-11-23T02:50:39.068538Z",
    "Pipeline(steps=[('scale', StandardScaler()), ('rf', RandomForestClassifier(max_depth=6))])",
    "select customer_id, sum(amount) from orders group by customer_id",
    "1234567890123",
    "keyboard=qwerty",
    "pad_token=<pad>",
    "author: Jane",
]


@pytest.mark.parametrize("text", IN_TEXT)
def test_a_secret_is_masked_wherever_it_stands_by_name(text):
    """Names, flags, URLs, connection strings, JSON in text, source lines of a traceback."""
    masked = Redactor().text(text)
    assert SECRET not in masked
    assert MASK in masked


@pytest.mark.parametrize("text", FORMS)
def test_a_secret_is_known_by_its_form(text):
    """Keys, tokens, JWT, PEM and card numbers need no name."""
    masked = Redactor().text(f"saw {text} here")
    assert MASK in masked
    assert text[-12:] not in masked


@pytest.mark.parametrize("text", INNOCENT)
def test_what_lineage_is_made_of_is_left_alone(text):
    """Digests, ids, paths, times, join keys and parameters about tokens are no secrets."""
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("eyJabcde.abcde", MASK),
        ("basic A1b2C3d4", "basic A1b2C3d4"),
        ("bearer A1b2C3d4", f"bearer {MASK}"),
        ("4222222222222", MASK),
        ("422222222222", "422222222222"),
        ("6304123456789012348", "6304123456789012348"),
        ("6304123456789012347", MASK),
        ("63041234567890123470", "63041234567890123470"),
        ("xoxb-0123456789", MASK),
        ("sk-0123456789abcdef", MASK),
    ],
)
def test_the_shortest_secrets_of_each_form_are_masked(text: str, masked: str) -> None:
    """Short texts and digests are passed over quickly, but the shortest texts that can be secret are not: a card number
    has 13 to 19 digits and a sum that is right, a token behind ``bearer`` 8 characters."""
    assert Redactor().text(text) == masked


def test_a_known_secret_is_masked_in_any_text():
    """What once stood under a secret name is masked where nothing gives it away."""
    redactor = Redactor()
    redactor.learn_mapping({"DB_PASSWORD": SECRET, "HOME": "/home/me"})
    redactor.learn_arguments(["--api-key", "Abc-987-xyz", "--token=Tok-555-q"])
    text = redactor.text(f"cannot log in with {SECRET}, Abc-987-xyz or Tok-555-q from /home/me")
    assert text == f"cannot log in with {MASK}, {MASK} or {MASK} from /home/me"


def test_common_values_under_secret_names_do_not_mask_everything(tmp_path):
    """``TOKEN_BACKEND=memory`` or ``PWD=/home`` must not wipe innocent words out of every event."""
    redactor = Redactor()
    redactor.learn_mapping({"TOKEN_BACKEND": "memory", "PWD": str(tmp_path), "AUTH": "none"})
    assert redactor.text(f"in memory at {tmp_path}, none") == f"in memory at {tmp_path}, none"


words = st.text(string.ascii_letters + string.digits + " _-./", max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(document=documents, secret=st.text(string.ascii_letters + string.digits, min_size=12, max_size=30))
def test_no_event_leaves_with_a_known_secret(document, secret):
    """Whatever the event looks like, a secret that is known is not in it afterwards, first time or second."""
    redactor = Redactor()
    event = json.dumps({"a": document, "text": f"x {secret} y", "b": document}).encode()
    redactor.event(event)  # once seen as innocent, pieces are remembered
    redactor.learn([secret])
    expected = secret.encode() if not (secret.isalpha() and secret.islower() and len(secret) < 12) else b"\0"
    assert expected not in redactor.event(event)


@given(document=documents)
def test_redaction_is_idempotent_and_keeps_the_document_whole(document):
    """An event stays valid JSON of the same shape; redacting twice changes nothing more."""
    redactor = Redactor()
    once = redactor.event(json.dumps({"run": {"facets": {"x": document}}}).encode())
    assert json.loads(redactor.event(once)) == json.loads(once)


def test_an_event_without_secrets_is_the_same_object():
    """The fast path hands back what it was given, first time and every time."""
    redactor = Redactor()
    event = json.dumps({"job": {"namespace": "n", "name": "j"}, "eventTime": "2026-01-01T00:00:00Z"}).encode()
    assert redactor.event(event) is event
    assert redactor.event(event) is event


def test_a_large_event_without_secrets_is_the_same_object():
    """An event of many parts is not searched as a whole, and comes back as it was, however it was written."""
    facet = {"entries": [{"name": f"column {place}"} for place in range(3_000)]}
    event = json.dumps({"job": {"name": "j", "facets": {"lineage": facet}}, "inputs": [], "a": 1}, indent=1).encode()
    assert len(event) > 50_000
    assert Redactor().event(event) is event


def test_values_by_name_in_an_event():
    """Objects, name/value pairs, argument lists, and parameters that are numbers."""
    event = {
        "run": {
            "facets": {
                "headwater_parameters": {"parameters": {"pin": 123456, "lr": 0.1, "db_password": SECRET}},
                "environmentVariables": {"environmentVariables": [{"name": "API_TOKEN", "value": SECRET}]},
                "headwater_process": {"argv": ["s.py", "--password", SECRET, "--n", "3"]},
                "headwater_metrics": {"metrics": [{"name": "token_accuracy", "value": 0.5}]},
            }
        },
        "job": {"facets": {"sql": {"query": f"select 1 where ssn = '{SECRET}'", "dialect": "postgres"}}},
    }
    masked = Redactor().event(json.dumps(event).encode())
    assert SECRET.encode() not in masked
    assert b"123456" not in masked
    document = json.loads(masked)
    assert document["run"]["facets"]["headwater_parameters"]["parameters"]["lr"] == 0.1
    assert document["run"]["facets"]["headwater_process"]["argv"][-2:] == ["--n", "3"]
    assert document["run"]["facets"]["headwater_metrics"]["metrics"][0]["value"] == 0.5
    assert document["job"]["facets"]["sql"]["query"] == "select ? where ssn = ?"


def test_own_rules_come_on_top():
    """``redact_keys``, ``redact_patterns`` and ``redact_emails``."""
    redactor = Redactor(keys=["patient"], patterns=[r"MRN-\d+"], mask_emails=True)
    text = redactor.text("patient=Smith MRN-4711 a.b@example.org")
    assert text == f"patient={MASK} {MASK} {MASK}"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "apiToken",
        "AWS_SECRET_ACCESS_KEY",
        "clientSecret",
        "dsn",
        "PASSWORDS",
        "api_keys",
        "accessTokens",
        "passphrases",
    ],
)
def test_names_of_secrets(name):
    """Names in any spelling."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["passenger", "tokens", "max_tokens", "token_count", "key", "keys", "author", "compass", "pinned"]
)
def test_names_that_only_look_like_secrets(name):
    """Words that contain a secret word, and measures of secrets."""
    assert not is_secret_name(name)


def test_our_own_log_messages_are_redacted(caplog):
    """Whatever handler a program has, a secret in an error of ours does not reach it."""
    import logging

    from headwater.capture.guard import logger
    from headwater.capture.logs import guard_logs

    guard_logs(Redactor())
    with caplog.at_level(logging.DEBUG, logger="headwater.capture"):
        try:
            raise ValueError(f"password={SECRET}")
        except ValueError as error:
            logger.debug("failed with %s", f"token={SECRET}", exc_info=error)
    assert MASK in caplog.text
    assert SECRET not in caplog.text


def test_the_version_of_a_package_with_a_secrets_name_is_kept():
    """``google-auth`` is a package: its version is a fact of the environment, and what is no version is masked."""
    packages = {"google-auth": "2.62.2", "secret-manager": "1.0rc1", "auth-token": "hunter2hunter2"}
    event = {"run": {"facets": {"headwater_environment": {"packages": packages}}}, "job": {}}
    clean = json.loads(Redactor().event(json.dumps(event).encode()))
    kept = clean["run"]["facets"]["headwater_environment"]["packages"]
    assert (kept["google-auth"], kept["secret-manager"]) == ("2.62.2", "1.0rc1")
    assert "hunter2" not in kept["auth-token"]


_LEAVES = st.sampled_from([*IN_TEXT, *FORMS, *INNOCENT[:6], SECRET, "--password", "x", 5, None, True])
_KEYS = st.sampled_from(
    ["run", "job", "facets", "inputs", "outputs", "lineage", "sql", "query", "password", "name", "value", "key", "x"]
)
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(_KEYS, _DOCUMENTS, max_size=5))
def test_parts_that_are_left_alone_need_no_masking(event):
    """A suspicious event is looked at part by part; what is left would have come out of a full look the same."""
    body = json.dumps(event).encode()
    by_part, in_full = Redactor(), Redactor(keys=["no-such-name"])
    for redactor in (by_part, in_full):
        redactor.learn([SECRET])
    assert json.loads(by_part.event(body)) == json.loads(in_full.event(body))


def test_a_wide_lineage_beside_source_code_is_not_taken_apart(monkeypatch):
    """The lineage of 5,000 columns stays as it is, though the source code beside it has to be looked at."""
    entries = [{"name": f"x{place}", "inputs": [{"field": f"x{place}", "type": "DIRECT"}]} for place in range(5_000)]
    code = {"language": "python", "sourceCode": f"password = '{SECRET}'\n"}
    event = {
        "job": {"name": "j", "facets": {"lineage": {"entries": entries}, "sourceCode": code}},
        "eventType": "START",
    }
    looked = []
    original = Redactor.document
    monkeypatch.setattr(Redactor, "document", lambda self, item: (looked.append(item), original(self, item))[1])
    clean = json.loads(Redactor().event(json.dumps(event, separators=(",", ":")).encode()))
    assert clean["job"]["facets"]["lineage"] == event["job"]["facets"]["lineage"]
    assert SECRET not in json.dumps(clean) and MASK in clean["job"]["facets"]["sourceCode"]["sourceCode"]
    assert len(looked) < 50
