"""Redaction: removes secrets from everything that is queued, spooled, logged or sent.

Four rules: values with a secret name (:mod:`headwater.capture.secrets`); texts in the form of a secret (keys, tokens,
JWT, PEM, connection strings, card numbers); literals of SQL statements; and known secrets: a value that had a secret
name in the environment or the arguments is masked wherever it occurs again, for example in the text of an exception.

``Redactor.event`` checks every event. Most events repeat strings that were checked before, so the fast path is a set
difference over the members of the event's objects.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from headwater.capture.guard import GUARD
from headwater.capture.secrets import MASK, is_key_name, is_secret_name, is_secret_number, looks_like_key, mask_text
from headwater.model.patterns import lazy_pattern

_SUSPICIOUS: Final = lazy_pattern(
    rb"pass|pwd|secret|token|key|auth|cred|dsn|cookie|bearer|basic |digest |jwt|otp|pin\b|sig|ssn|cvv|connectionstring"
    rb"|://[^/]*@|-----begin|akia|asia|aroa|aida|eyj|gh[pousr]_|glpat-|xox|hf_|npm_|pypi-|[spr]k[-_]|aiza|sg\."
    rb"|(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])|=\S{32}|\\|\bsql\b|\bsourcecode\b"
)
"""Matches lower-cased events that need the thorough path."""
_HARMLESS: Final = lazy_pattern(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:\.\d+)?z"
)
_Object: TypeAlias = dict[str, msgspec.Raw]
_NESTED: Final = frozenset(("run", "job", "facets"))
_LISTS: Final = frozenset(("inputs", "outputs"))
"""Parts of an event that are looked at member by member, and item by item."""
_WHOLE: Final = 20_000
"""Bytes of an event that is looked at as a whole first. In a larger one some part usually needs a look, and then all of
it would be searched twice."""
_SAFE_LIMIT: Final = 20_000
_MIN_KNOWN: Final = 6
_NAME_KEYS: Final = ("name", "key")
_NOT_SECRET: Final = frozenset({"nothing", "password", "secret", "disabled", "enabled", "default", "localhost"})


_VERSION: Final = lazy_pattern(r"\d{1,6}(\.\d{1,8}){1,5}([.+-]?[a-z]{1,5}\d{0,8}){0,3}")
_PACKAGE: Final = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""The version and the name of a package."""


class Redactor:
    """Masks secrets in events and texts. ``keys`` and ``patterns`` are added to the built-in rules."""

    def __init__(self, *, keys: Iterable[str] = (), patterns: Iterable[str] = (), mask_emails: bool = False) -> None:
        self._keys = frozenset(key.lower() for key in keys)
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._mask_emails = mask_emails
        self._known: tuple[str, ...] = ()
        self._safe: set[bytes] = set()
        self._texts: dict[str, str] = {}
        self._has_fast_path = not (self._keys or self._patterns or mask_emails)

    # -- secrets by value ----------------------------------------------------------------------------------------------
    def learn(self, values: Iterable[str]) -> None:
        """Mask these values wherever they occur, except short and common words, which would mask harmless text."""
        known = set(self._known)
        known.update(value for value in values if _is_telling(value))
        self._known = tuple(sorted(known, key=len, reverse=True))
        self._safe.clear()
        self._texts.clear()

    def learn_mapping(self, values: Mapping[str, Any]) -> None:
        """Learn the values that have secret names, for example in the environment. Existing paths are not secrets
        (``PWD``, ``SSH_AUTH_SOCK``)."""
        secrets = [str(value) for name, value in values.items() if is_secret_name(name, self._keys)]
        self.learn(secret for secret in secrets if not _is_path(secret))

    def learn_arguments(self, arguments: Iterable[str]) -> None:
        """Learn the secrets of a command line: ``--token X``, ``--token=X``, ``TOKEN=X``."""
        secrets: list[str] = []
        name = ""
        for argument in arguments:
            head, equals, tail = argument.partition("=")
            if equals and is_secret_name(head.lstrip("-"), self._keys):
                secrets.append(tail)
            elif name and not argument.startswith("--"):
                secrets.append(argument)
            name = argument if argument.startswith("-") and is_secret_name(argument.lstrip("-"), self._keys) else ""
        self.learn(secrets)

    # -- texts ---------------------------------------------------------------------------------------------------------
    def text(self, text: str) -> str:
        """``text`` without its secrets."""
        masked = self._texts.get(text)
        if masked is None:
            masked = self._mask(text)
            if len(self._texts) >= _SAFE_LIMIT:
                self._texts.clear()
            self._texts[text] = masked
        return masked

    def _mask(self, text: str) -> str:
        for value in self._known:
            if value in text:
                text = text.replace(value, MASK)
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return mask_text(text, more=self._keys, mask_emails=self._mask_emails)

    def named(self, name: str, value: Any) -> Any:
        """The value of ``name``: masked if the name is secret, else with the secrets in it masked."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return MASK if is_secret_number(name) else value
        if is_secret_name(name, self._keys):
            return MASK
        if isinstance(value, str) and is_key_name(name) and looks_like_key(value):
            return MASK
        return self.document(value)

    # -- documents -----------------------------------------------------------------------------------------------------
    def document(self, item: Any) -> Any:
        """A JSON document without its secrets. Keys of objects are kept, except for secrets in them."""
        if isinstance(item, str):
            return self.text(item)
        if isinstance(item, list):
            return self._list(item)
        if isinstance(item, dict):
            return self._object(item)
        return item

    def _list(self, items: list[Any]) -> list[Any]:
        """A list; an argument after ``--password`` is masked."""
        out = []
        name = ""
        for item in items:
            is_text = isinstance(item, str)
            if name and is_text and not item.startswith("--"):
                out.append(MASK)
            else:
                out.append(self.document(item))
            name = item if is_text and item.startswith("-") and is_secret_name(item.lstrip("-"), self._keys) else ""
        return out

    def _object(self, item: dict[str, Any]) -> dict[str, Any]:
        for key in _NAME_KEYS:
            name = item.get(key)
            if isinstance(name, str) and "value" in item:
                rest = {k: self._member(k, v) for k, v in item.items() if k != "value"}
                return {**rest, "value": self.named(name, item["value"])}
        known, harmless = self._texts.get, _is_harmless_name
        return {
            known(key) or self.text(key): (known(value) or self.text(value))
            if type(value) is str and harmless(key, self._keys)
            else self._member(key, value)
            for key, value in item.items()
        }

    def _member(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            if is_secret_name(key, self._keys) or (is_key_name(key) and looks_like_key(value) and key != "key"):
                return MASK
            return self.text(value)
        if isinstance(value, list) and is_secret_name(key, self._keys) and all(isinstance(x, str) for x in value):
            return [MASK] * len(value)
        return self.document(value)

    # -- events --------------------------------------------------------------------------------------------------------
    def event(self, event: bytes) -> bytes:
        """An event (JSON) without its secrets; the same object if it has none."""
        if self._has_fast_path and len(event) <= _WHOLE and self._is_safe(event):
            return event
        document = self._opened(event)
        if _is_untouched(document):
            return event
        _mask_statements(document)
        _mask_parameters(self, document)
        versions = _versions(document)
        source = self._take_source(document)
        clean = self.document(document)
        if source:
            clean["job"]["facets"]["sourceCode"] |= source
        if versions:
            clean["run"]["facets"]["headwater_environment"]["packages"].update(versions)
        return msgspec.json.encode(clean, order="sorted")

    def _opened(self, event: bytes) -> Any:
        """The event decoded, except for the parts that need no look by themselves, which stay as they are: the lineage
        of a wide matrix has a hundred thousand edges, and nothing but the source code beside it looks suspicious."""
        if self._has_fast_path:
            with contextlib.suppress(msgspec.ValidationError):  # an event of another form
                return {
                    key: self._opened_part(key, raw) for key, raw in msgspec.json.decode(event, type=_Object).items()
                }
        return msgspec.json.decode(event)

    def _opened_part(self, name: str, raw: msgspec.Raw) -> Any:
        if name in _NESTED:
            members = msgspec.json.decode(raw, type=_Object)
            return {key: self._opened_part(key, part) for key, part in members.items()}
        if name in _LISTS:
            return [self._opened_part("", part) for part in msgspec.json.decode(raw, type=list[msgspec.Raw])]
        text = bytes(raw)
        return raw if self._is_safe(b'"%s":%s' % (name.encode(), text)) else msgspec.json.decode(text)

    def _take_source(self, document: Any) -> dict[str, Any]:
        """Remove the text of a ``sourceCode`` facet from the document, and return it masked as program text and cut to
        size: the rest of the document is masked as prose. If the text cannot be parsed, the facet is removed."""
        facets = _facets(document, "job")
        body = facets.get("sourceCode")
        text = body.pop("sourceCode", None) if isinstance(body, dict) else None
        if not isinstance(text, str) or body is None:
            return {}
        with GUARD.at("redact source"):
            from headwater.capture.redact_source import redact_source
            from headwater.capture.source_code import cut

            is_python = str(body.get("language", "")).lower().startswith("python")
            masked = redact_source(text, self._mask, self._keys) if is_python else self._mask(text)
            if masked is not None:
                for value in self._known:
                    masked = masked.replace(value, MASK)
                shorter = cut(masked)
                return {"sourceCode": masked} if shorter is None else {"sourceCode": shorter, "is_cut": True}
        del facets["sourceCode"]
        return {}

    def _is_safe(self, event: bytes) -> bool:
        unknown = set(event.split(b',"')) - self._safe
        if not unknown:
            return True
        if _SUSPICIOUS.search(_HARMLESS.sub(b"", b'"'.join(unknown).lower())):
            return False
        if self._known:
            text = event.decode()
            if any(value in text for value in self._known):
                return False
        if len(self._safe) < _SAFE_LIMIT:
            self._safe |= unknown
        return True


@lru_cache(maxsize=4096)
def _is_harmless_name(name: str, more: frozenset[str]) -> bool:
    """Whether a text with this name is no secret unless its form says so."""
    return not is_secret_name(name, more) and not is_key_name(name)


def _is_telling(value: str) -> bool:
    """Whether a secret is long and unusual enough to be masked wherever it occurs."""
    if len(value) < _MIN_KNOWN or value.lower() in _NOT_SECRET or MASK in value:
        return False
    return len(value) >= 2 * _MIN_KNOWN or not (value.isalpha() and value.islower())


def _is_path(value: str) -> bool:
    try:
        return os.path.isabs(value) and os.path.exists(value)  # noqa: PTH110, PTH117 - a value of any form
    except ValueError:
        return False


def _is_untouched(part: Any) -> bool:
    """Whether nothing of an opened event was decoded."""
    if isinstance(part, dict | list):
        return all(map(_is_untouched, part.values() if isinstance(part, dict) else part))
    return isinstance(part, msgspec.Raw)


def _facets(document: Any, owner: str) -> dict[str, Any]:
    """The facets of the ``run`` or ``job`` of an event; empty if it has none."""
    part = document.get(owner) if isinstance(document, dict) else None
    facets = part.get("facets") if isinstance(part, dict) else None
    return facets if isinstance(facets, dict) else {}


def _versions(document: Any) -> dict[str, str]:
    """The installed packages whose value is a version: ``google-auth`` looks like a secret name but is not one."""
    body = _facets(document, "run").get("headwater_environment")
    packages = body.get("packages") if isinstance(body, dict) else None
    if not isinstance(packages, dict):
        return {}
    return {k: v for k, v in packages.items() if isinstance(v, str) and _VERSION.fullmatch(v) and _PACKAGE.fullmatch(k)}


def _mask_parameters(redactor: Redactor, document: Any) -> None:
    """Mask the parameters of the run by their names; numbers with a secret name (a PIN) are secrets too."""
    body = _facets(document, "run").get("headwater_parameters")
    parameters = body.get("parameters") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(parameters, dict):
        body["parameters"] = {redactor.text(name): redactor.named(name, value) for name, value in parameters.items()}


def _mask_statements(document: Any) -> None:
    """Mask the literals in the ``sql`` facet, whoever wrote it."""
    body = _facets(document, "job").get("sql")
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return
    query, body["query"] = body["query"], MASK
    with GUARD.at("redact sql"):
        from headwater.sql import mask_literals

        body["query"] = mask_literals(query, body.get("dialect"))
