"""What an endpoint is asked with and what it answers are the annotations of one function, and mypy holds it to them."""

import pytest
from starlette.responses import Response

from api.account import Me
from api.answer.freshness import Freshness
from api.answer.visitors import Visitors
from api.body import SignIn
from api.endpoint import Asked, Endpoint, Reply, Types
from api.parameter import Nothing, VisitorsOf
from api.share import ShareLink

# Each of these is wrong, and mypy says so where it is: an `ignore` that ignores nothing is an error too.


def wrong_type_of_a_field(asked: Asked) -> Freshness:
    return Freshness(fresh_as_of=asked.now, since=None)  # type: ignore[arg-type]


def unknown_field(asked: Asked) -> Freshness:
    return Freshness(fresh_as_of=None, since=None, page=1)  # type: ignore[call-arg]


def missing_field(asked: Asked) -> Freshness:
    return Freshness(since=None)  # type: ignore[call-arg]


def another_answer(asked: Asked[VisitorsOf]) -> Visitors:
    return Freshness(fresh_as_of=None, since=None)  # type: ignore[return-value]


def another_answer_with_headers(asked: Asked[VisitorsOf]) -> Reply[Visitors]:
    return Reply(Freshness(fresh_as_of=None, since=None))  # type: ignore[arg-type]


def no_answer(asked: Asked) -> None:
    return asked.url("/")  # type: ignore[return-value]


def parameter_of_another(asked: Asked[VisitorsOf]) -> Freshness:
    return Freshness(fresh_as_of=asked.parameters.url, since=None)  # type: ignore[attr-defined]


def body_of_another(asked: Asked[Nothing, SignIn]) -> str:
    return asked.body.site  # type: ignore[attr-defined, no-any-return]


def body_where_there_is_none(asked: Asked[VisitorsOf]) -> str:
    return str(asked.body.name)  # type: ignore[attr-defined]


def filters_where_there_are_none(asked: Asked[VisitorsOf]) -> None:
    asked.selected.rows("sites")  # type: ignore[misc]


def right(asked: Asked[VisitorsOf, SignIn]) -> Reply[list[ShareLink]]:
    raise NotImplementedError


def streamed(asked: Asked) -> Response:
    raise NotImplementedError


def signed_in(asked: Asked[Nothing, SignIn]) -> Me:
    raise NotImplementedError


def made(answer: object) -> Endpoint:
    return Endpoint("GET", "/me", "me", "", answer)  # type: ignore[arg-type]


def test_the_types_of_an_endpoint_are_its_functions() -> None:
    assert made(right).types == Types(VisitorsOf, SignIn, list[ShareLink])
    assert made(no_answer).types == made(streamed).types == Types(Nothing, None, None)
    assert made(signed_in).types == Types(Nothing, SignIn, Me)


def test_a_function_that_does_not_say_is_none() -> None:
    with pytest.raises(KeyError, match="return"):
        _ = made(lambda asked: None).types
