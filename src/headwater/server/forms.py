"""Forms of our own pages: read in bounded memory, accepted only from our own origin, with errors by field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import isfinite
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from headwater.errors import HeadwaterError, InvalidInput, NotFound
from headwater.server.access.authentication import refuse_other_sites
from headwater.server.errors import Conflict, TooLarge, problem_of
from headwater.server.request import Call

_LONGEST = 16_384
_MOST_FIELDS = 200


class Form:
    """The fields of a submitted form."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def text(self, field: str, default: str = "") -> str:
        """A value, without surrounding whitespace."""
        return self._values.get(field, [default])[0].strip()

    def texts(self, field: str) -> list[str]:
        """Every value of a field that may be given several times."""
        return self._values.get(field, [])

    def needed(self, field: str) -> str:
        """A required value. Raises ``InvalidInput`` if it is missing."""
        value = self.text(field)
        if not value:
            raise InvalidInput(field=field, value="''", rule="must not be empty")
        return value

    def number(self, field: str) -> float | None:
        """A number, or None if the field is empty. Raises ``InvalidInput``."""
        value = self.text(field)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise InvalidInput(field=field, value=value[:80], rule="must be a number")
        return number

    def count(self, field: str) -> int | None:
        """An integer of at least 1, or None if the field is empty. Raises ``InvalidInput``."""
        number = self.number(field)
        if number is None:
            return None
        if number < 1 or number != round(number):
            raise InvalidInput(field=field, value=self.text(field)[:80], rule="must be a whole number, 1 or more")
        return round(number)


async def read_form(call: Call, *, most_bytes: int = _LONGEST) -> Form:
    """Read a form submitted by one of our own pages.

    Raises:
        NotPermitted: a page of another site submitted it.
        TooLarge: it is larger than any form of our pages.
        InvalidInput: it is not a form.
    """
    refuse_other_sites(call.request)
    raw = await call.read()
    if len(raw) > most_bytes:
        raise TooLarge(f"the form is larger than {most_bytes:,} bytes")
    try:
        return Form(parse_qs(raw.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS, keep_blank_values=True))
    except ValueError as error:
        raise InvalidInput(field="form", rule=f"must be an encoded form: {error}") from None


class Refusal:
    """A refused form, to show it again with its values and the invalid field marked.

    ``action`` is the path it was submitted to, ``field`` the name of the invalid field, empty if no single one is.
    Forms that are shown again have no fields for secrets.
    """

    def __init__(self, action: str = "", form: Form | None = None, error: HeadwaterError | None = None) -> None:
        self.action = action
        problem = None if error is None else problem_of(error)
        self.status = problem.status if problem else 200
        self.words = problem.detail if problem else ""
        self.hint = problem.hint if problem else ""
        self.field = ""
        self._form = form or Form({})

    def text(self, action: str, field: str, usual: str = "") -> str:
        """The value of a field: the submitted one, if its form was the refused one."""
        return self._form.text(field) if action == self.action else usual

    def texts(self, action: str, field: str, usual: Sequence[str]) -> Sequence[str]:
        """Every value of a field that may be given several times."""
        return self._form.texts(field) if action == self.action else usual

    def is_at(self, action: str, field: str) -> bool:
        """Whether this field of this form is invalid."""
        return bool(self.field) and (action, field) == (self.action, self.field)


NOT_REFUSED = Refusal()


def submitted(
    handler: Callable[[Call, Form], Response],
    show: Callable[[Call], Response],
    fields: Mapping[str, str] | None = None,
) -> Callable[[Call], Awaitable[Response]]:
    """The handler of a form, from a function that may block and one that shows the form's page.

    If the form is invalid, or names something unknown, the page is shown again with its values. ``fields`` maps the
    field of an error to the field of the form; "" stands for an error without a field.
    """

    async def handle(call: Call) -> Response:
        form = await read_form(call)
        try:
            return await run_in_threadpool(handler, call, form)
        except (InvalidInput, NotFound, Conflict) as error:
            call.refusal = refusal_of(call, form, error, fields or {})
            return await run_in_threadpool(show, call)

    handle.__doc__ = handler.__doc__
    return handle


def refusal_of(call: Call, form: Form, error: HeadwaterError, fields: Mapping[str, str]) -> Refusal:
    """The refusal of a form because of an error."""
    refusal = Refusal(call.request.url.path, form, error)
    named = str(getattr(error, "field", "")).partition(",")[0]
    refusal.field = fields.get(named, "")
    return refusal
