"""Errors in Marquez's format: ``{"code": 404, "message": "..."}``."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from headwater.errors import HeadwaterError, InvalidInput, NotFound
from headwater.server.errors import Conflict, json_response, problem_of, problem_response, status_of
from headwater.server.routing import Dialect


class Missing(NotFound):
    """Nothing with that name is known, in Marquez's words."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(name)
        self.args = (f"{kind} '{name[:200]}' not found.",)


class FieldMissing(NotFound):
    """A dataset has no column with that name."""

    def __init__(self, field: str, dataset: str) -> None:
        super().__init__(field)
        self.args = (f"Field '{field[:200]}' not found for dataset '{dataset[:200]}'.",)


class RunExists(Conflict):
    """A run with that id exists already."""

    def __init__(self, run_id: str, namespace: str, job: str) -> None:
        super().__init__(f"Run '{run_id}' already exists for '{job[:200]}' under namespace '{namespace[:200]}'.")


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error in Marquez's format."""

    code: int
    message: str
    details: str = ""


def refuse(error: HeadwaterError) -> Response:
    """The response to a failed request. Invalid requests get status 400, as in Marquez, not 422."""
    code = 400 if isinstance(error, InvalidInput) else status_of(error)
    problem = problem_of(error)
    refusal = Refused(code=code, message=problem.detail or problem.title, details=problem.hint)
    headers = problem_response(error).headers
    kept = {name: headers[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in headers}
    return json_response(refusal, status=code, headers=kept)


DIALECT = Dialect(refuse=refuse, answer=Refused, invalid=400)
