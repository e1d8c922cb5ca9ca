"""Forms of our own pages: read in bounded memory, from our own pages only, with errors that name the field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import isfinite
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.server.access.authentication import refuse_other_sites
from headwater.server.call import Call
from headwater.server.errors import TooLarge

_LONGEST = 16_384
_MOST_FIELDS = 200


class Form:
    """The fields of a form that was sent."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def text(self, field: str, default: str = "") -> str:
        """One value, without the space around it."""
        return self._values.get(field, [default])[0].strip()

    def texts(self, field: str) -> list[str]:
        """Every value of a field that may be given several times."""
        return self._values.get(field, [])

    def needed(self, field: str) -> str:
        """A value that must be there. Raises ``InvalidInput``."""
        value = self.text(field)
        if not value:
            raise InvalidInput(field=field, value="''", rule="must not be empty")
        return value

    def number(self, field: str) -> float | None:
        """A number, None where nothing was written. Raises ``InvalidInput``."""
        value = self.text(field)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise InvalidInput(field=field, value=value[:80], rule="is a number")
        return number

    def count(self, field: str) -> int | None:
        """A whole number of 1 or more, None where nothing was written. Raises ``InvalidInput``."""
        number = self.number(field)
        if number is None:
            return None
        if number < 1 or number != round(number):
            raise InvalidInput(field=field, value=self.text(field)[:80], rule="is a whole number of 1 or more")
        return round(number)


async def read_form(call: Call, *, most_bytes: int = _LONGEST) -> Form:
    """The form that one of our own pages sent.

    Raises:
        NotPermitted: a page of another site sent it.
        TooLarge: it is larger than any that our pages send.
        InvalidInput: it is not a form.
    """
    refuse_other_sites(call.request)
    raw = await call.read()
    if len(raw) > most_bytes:
        raise TooLarge(f"the form is larger than {most_bytes:,} bytes")
    try:
        return Form(parse_qs(raw.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS, keep_blank_values=True))
    except ValueError as error:
        raise InvalidInput(field="form", rule=f"is an encoded form: {error}") from None


def submitted(handler: Callable[[Call, Form], Response]) -> Callable[[Call], Awaitable[Response]]:
    """The handler of a form, from a function that may block."""

    async def handle(call: Call) -> Response:
        form = await read_form(call)
        return await run_in_threadpool(handler, call, form)

    handle.__doc__ = handler.__doc__
    return handle
