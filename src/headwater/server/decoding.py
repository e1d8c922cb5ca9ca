"""Decodes the query string and body into the structs that an operation declares, with errors that name the field."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect
from starlette.datastructures import QueryParams

from headwater.errors import InvalidInput
from headwater.formats.decode_errors import NOT_LISTED, not_json, rule_of
from headwater.server.json_limits import check_json
from headwater.server.routing import Operation
from headwater.server.settings import Limits

_REPEATED = "must be given only once"


class NoParameters(msgspec.Struct, frozen=True):
    """The query of an operation without parameters."""


_NOTHING = NoParameters()


def decode_query(operation: Operation, given: QueryParams, raw: bytes) -> Any:
    """The query parameters as the operation's struct; ``raw`` is the query string as it was sent.

    Raises:
        InvalidInput: one is unknown, repeated or of the wrong type.
    """
    if operation.query is None and not given:
        return _NOTHING
    kind = operation.query or NoParameters
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if not operation.is_lenient:
        for name, count in Counter(name for name, _ in given.multi_items()).items():
            if name not in known:
                hint = f"known are {', '.join(known)}" if known else "this operation takes no parameters"
                raise InvalidInput(
                    field=name[:80] or "query",
                    value=given[name][:80],
                    rule="must be a parameter of this operation",
                    hint=hint,
                )
            if count > 1:
                raise InvalidInput(field=name, value=given[name][:80], rule=_REPEATED)
    values = {name: value for name, value in given.items() if name in known}
    for name, value in values.items():
        # The replacement character for invalid UTF-8 is also a legal character of a value.
        if "\0" in value or ("\ufffd" in value and not _is_utf8(raw)):
            raise InvalidInput(field=name, value=value[:80], rule="must be UTF-8 text without NUL")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error, kind, values) from None


def _is_utf8(raw: bytes) -> bool:
    try:
        unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decode_body(operation: Operation, raw: bytes, limits: Limits) -> Any:
    """The JSON body as the operation's type.

    Raises:
        InvalidInput: it is not JSON, is nested too deeply, or does not match the type.
    """
    check_json(raw, limits)
    try:
        try:
            return msgspec.json.decode(raw, type=operation.body)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            return msgspec.convert(_with_whole_numbers(msgspec.json.decode(raw)), operation.body)
    except msgspec.ValidationError as error:
        raise _invalid(error, operation.body, {}) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(field="body", rule=not_json(error)) from None


def _with_whole_numbers(value: Any) -> Any:
    """Convert whole floats: in JSON ``101.0`` is the integer 101 (JSON Schema 2020-12, Validation, 6.1.1)."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_with_whole_numbers(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_whole_numbers(one) for name, one in value.items()}
    return value


def _invalid(error: msgspec.ValidationError, kind: Any, values: dict[str, str]) -> InvalidInput:
    """The error with field and rule, from msgspec's message ('Expected `int`, got `str` - at `$.depth`')."""
    place, rule = rule_of(str(error))
    field = place or "body"
    if rule == NOT_LISTED and (listed := _choices(kind, field)):
        rule = f"must be one of {', '.join(listed)}"
    if values:
        rule = rule.removesuffix(" or null")  # a query has no null; such a parameter may be left out
    return InvalidInput(field=field, value=values.get(field, "")[:80], rule=rule)


def _choices(kind: Any, field: str) -> tuple[str, ...]:
    """The allowed values of a member of a struct, if its type lists them; else none."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return ()
    names = {one.encode_name: one.type for one in msgspec.structs.fields(kind)}
    if field not in names:
        return ()
    info = inspect.type_info(names[field])
    found: list[str] = []
    for one in info.types if isinstance(info, inspect.UnionType) else (info,):
        if isinstance(one, inspect.LiteralType):
            found += map(str, one.values)
        elif isinstance(one, inspect.EnumType):
            found += [str(member.value) for member in one.cls]
    return tuple(found)
