"""What can be wrong with a request, in the one shape in which every error is told."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from api.registry.refusal import Kind, Refusal

_REFUSED: Mapping[Kind, tuple[int, str]] = {
    "invalid": (400, "invalid_parameter"),
    "forbidden": (403, "forbidden"),
    "absent": (404, "not_found"),
    "conflict": (409, "conflict"),
}


class ErrorDetail(BaseModel):
    """`code` is for programs, `message` for people, `param` the parameter or field at fault, if one is.

    `retained_until`, with that code: the first day in the zone of the question from which it can be answered.
    """

    code: str
    message: str
    param: str | None = None
    retained_until: Annotated[str | None, Field(exclude_if=lambda day: day is None)] = None


class ErrorBody(BaseModel):
    """Every answer with a status of 400 and above."""

    error: ErrorDetail


class Problem(Exception):
    """Ends the request with this status and error."""

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.detail = ErrorDetail(code=code, message=message, param=param)
        self.headers = dict(headers or {})


def invalid(param: str, message: str) -> Problem:
    """400: a bad, missing or repeated parameter, or a field of the body."""
    return Problem(400, "invalid_parameter", message, param)


def refused(by: Refusal) -> Problem:
    """What the registry does not do, as a status."""
    status, code = _REFUSED[by.kind]
    return Problem(status, code, str(by), by.field)


def unavailable(what: str, retry_after: int = 2) -> Problem:
    """503: a part that the answer needs is away; trying again after `retry_after` seconds is sensible."""
    return Problem(503, "unavailable", what, headers={"Retry-After": str(retry_after)})
