"""Recognises secrets by their name and by their own form."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import Final

from headwater.model.patterns import lazy_pattern

MASK: Final = "[redacted]"

_SECRET_WORDS: Final = frozenset(
    {
        "password", "passwords", "passwd", "passphrase", "passphrases", "pass", "pwd", "pwds", "passcode", "secret",
        "secrets", "token", "apikey", "apikeys", "auth", "authorization", "credential", "credentials", "creds", "dsn",
        "cookie", "cookies", "bearer", "jwt", "otp", "pin", "signature", "sig", "privatekey", "accesskey", "secretkey",
        "connectionstring", "ssn", "cvv",
    }
)  # fmt: skip
_SECRET_KEYS: Final = frozenset(
    {"api", "access", "secret", "private", "encryption", "signing", "account", "master", "shared", "ssh", "gpg", "app",
     "license", "subscription", "service", "storage", "consumer", "client", "session", "auth", "aws", "azure"}
)  # fmt: skip
_TEXT_TOKENS: Final = frozenset({"pad", "eos", "bos", "unk", "mask", "sep", "cls"})
_SECRET_NUMBERS: Final = frozenset({"password", "passwd", "pwd", "passcode", "pin", "otp", "secret", "ssn", "cvv"})
_WORDS: Final = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether a value with this name is a secret whatever it looks like: ``db_password``, ``apiToken``.

    Counts and settings about secrets are not: ``max_tokens``, ``token_count``, ``password_length``.
    """
    if len(name) > 200:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    if name.lower() in more or any(word in more for word in words):
        return True
    if words[-1] in {"count", "length", "len", "size", "limit", "type", "column", "name", "path", "file", "pattern"}:
        return False
    if words[-1] == "token" and len(words) > 1 and words[-2] in _TEXT_TOKENS:
        return False
    if any(word in _SECRET_WORDS for word in words):
        return True
    # "keys" and "tokens" only after a word that says what they open: texts consist of tokens, too
    last = next((at for at, word in enumerate(words) if word in {"key", "keys", "tokens"}), 0)
    return any(word in _SECRET_KEYS for word in words[:last])


def is_secret_number(name: str) -> bool:
    """Whether a number with this name is a secret: a PIN is, ``token_dim`` is not."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(words) and words[-1] in _SECRET_NUMBERS


def is_key_name(name: str) -> bool:
    """Whether a value with this name may be a cryptographic key or a join key, which its form decides."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return "key" in words


_FORMS: Final = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",
    r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})",
    r"\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,})",
    r"\b(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant)[-_])?[A-Za-z0-9_-]{16,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
)
_ALONE: Final = lazy_pattern("|".join(_FORMS))
_AUTH: Final = lazy_pattern(r"(?i)\b(bearer|basic|digest|token)(\s+|%20)([A-Za-z0-9._~+/=-]{8,})")
_USERINFO: Final = lazy_pattern(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s/@'\"<>?#]*)@")
_USERINFO_ODD: Final = lazy_pattern(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s/@'\"<>:]+):([^\s'\"<>@]*(?:@[^\s'\"<>@/]*)*)@")
_NAMED: Final = lazy_pattern(
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,80})(?P<close>\\?["'])?(?P<sep>\s*(?:=>|:=|[=:])\s*|\s+(?=["']))"""
    r"""(?P<quote>\\?["'])?(?P<value>(?(quote)(?:(?!(?P=quote))[\s\S])*|[^\s,;&|<>)\]}"']+))"""
)
_PLACEHOLDER: Final = lazy_pattern(r"\W+|%s|%\(\w+\)s|\$\d+|:\w+|\{\w*\}")
_NO_VALUES: Final = frozenset({"None", "null", "True", "False", "true", "false", "***"})
_FLAG: Final = lazy_pattern(
    r"""(?P<flag>--?[A-Za-z][A-Za-z0-9_-]*)(?P<sep>\s+)(?P<value>"[^"]*"|'[^']*'|[^\s"'-]\S*)"""
)
_CARD: Final = lazy_pattern(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
_HEX: Final = lazy_pattern(r"[0-9a-fA-F]+")
_LONGEST_CARD: Final = 19
_SHORTEST: Final = 13
"""A shorter text contains no card number (13 digits), no ``bearer`` with a token (14 characters), and none of the forms
of secrets (14 and more)."""
_EMAIL: Final = lazy_pattern(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b")


def mask_text(text: str, *, more: frozenset[str] = frozenset(), mask_emails: bool = False) -> str:
    """``text`` with every secret in it masked; the same object if there is none."""
    if len(text) > _LONGEST_CARD and _HEX.fullmatch(text):
        return text  # a digest, of which lineage is full
    is_short = len(text) < _SHORTEST
    out = text if is_short else _ALONE.sub(MASK, text)
    if "://" in out:
        out = _USERINFO_ODD.sub(lambda m: m[1] + MASK + "@", out)
        out = _USERINFO.sub(lambda m: m[1] + MASK + "@", out)
    if not is_short:
        out = _AUTH.sub(_mask_auth, out)
    if "=" in out or ":" in out or '"' in out or "'" in out:
        out = _mask_all_named(out, more)
    if "-" in out:
        out = _FLAG.sub(lambda m: _mask_flag(m, more), out)
    if not is_short:
        out = _CARD.sub(lambda m: MASK if _is_card(m[0]) else m[0], out)
    if mask_emails:
        out = _EMAIL.sub(MASK, out)
    return text if out == text else out


def _mask_auth(match: re.Match[str]) -> str:
    kind, gap, value = match.groups()
    if kind.lower() in {"token", "basic", "digest"} and not is_random(value):
        return match[0]
    return kind + gap + MASK


def _mask_all_named(text: str, more: frozenset[str]) -> str:
    """Mask values with secret names. Other values are searched in turn: ``url=http://h/?token=x``."""
    parts: list[str] = []
    copied = position = 0
    while match := _NAMED.search(text, position):
        start, end = match.span("value")
        if not _is_secret_pair(match, more):
            position = max(match.end("sep"), match.end("name"))
            continue
        if not match["quote"] and "=" in match["sep"]:
            end = _end_of_part(text, end)
        parts += [text[copied:start], MASK]
        copied = position = end
    return "".join(parts) + text[copied:] if parts else text


def _is_secret_pair(match: re.Match[str], more: frozenset[str]) -> bool:
    """Whether the value is secret: because of its name or, after ``=``, because it looks random."""
    value = match["value"]
    if not value or value.startswith((MASK[:-1], "//")) or _PLACEHOLDER.fullmatch(value):
        return False
    name = match["name"].rpartition(".")[2]
    if match["sep"].strip() and is_secret_name(name, more) and value not in _NO_VALUES:
        return True
    if "=" not in match["sep"]:
        return False
    return (is_key_name(name) and looks_like_key(value)) or (len(value) >= 32 and is_random(value))


def _end_of_part(text: str, end: int) -> int:
    """The end of the value in a connection string (``Password=two words;User=...``), or ``end`` in any other text."""
    semicolon = text.find(";", end)
    if semicolon < 0 or not re.fullmatch(r"[^\n=;\"']*", text[end:semicolon]):
        return end
    return semicolon


def _mask_flag(match: re.Match[str], more: frozenset[str]) -> str:
    if not is_secret_name(match["flag"].lstrip("-"), more):
        return match[0]
    return match["flag"] + match["sep"] + MASK


def _is_card(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()]
    if len(set(digits)) < 2 or digits[0] not in (2, 3, 4, 5, 6) or not 13 <= len(digits) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


_TOKEN: Final = lazy_pattern(r"[A-Za-z0-9+/_=-]+")


def is_random(value: str) -> bool:
    """Whether text looks like key material: letters of both cases mixed with digits, more evenly than in words. Hex
    digests (of files, of commits) and UUIDs, of which lineage is full, are not secrets."""
    if len(value) < 16 or not _TOKEN.fullmatch(value) or _HEX.fullmatch(value.replace("-", "")):
        return False
    if not (any(c.isdigit() for c in value) and any(c.isupper() for c in value) and any(c.islower() for c in value)):
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return entropy >= 3.5


def looks_like_key(value: str) -> bool:
    """Whether the value of a ``..._key`` is key material rather than the name of a column."""
    return len(value) >= 8 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
