"""The query string → a model of parameters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from api.problem import Problem, invalid

Parameters = TypeVar("Parameters", bound=BaseModel)


def parameters(model: type[Parameters], pairs: Sequence[tuple[str, str]]) -> Parameters:
    """Read the model's parameters; others are ignored. Raises Problem (400) for bad, missing and repeated ones.

    A list is given by repeating its name, with or without the `[]` at its end, or with `[0]`, `[1]` … as PHP does.
    """
    if getattr(model, "refuses_filter", False) and _listed("filter", pairs):
        raise invalid("filter", "this answer cannot be filtered")
    given: dict[str, str | list[str]] = {}
    spelled: dict[str, list[str]] = {}
    for field_name, field in model.model_fields.items():
        name = field.alias or field_name
        is_list = get_origin(field.annotation) is list
        found = _listed(name.removesuffix("[]"), pairs) if is_list else [pair for pair in pairs if pair[0] == name]
        if not found:
            continue
        spelled[name] = [key for key, _ in found]
        if is_list:
            given[name] = [value for _, value in found]
        elif len(found) > 1:
            raise invalid(name, "given more than once")
        else:
            given[name] = found[0][1]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problem = first_problem(error, given)
        param, _, place = str(problem.detail.param).partition(".")
        # `steps[]` has several spellings; what was sent is what its sender looks for.
        keys = spelled.get(param, []) if param.endswith("[]") else []
        if place:
            at = int(place)
            raise invalid(keys[at] if keys else param, f"number {at + 1}: {problem.detail.message}") from None
        raise invalid(keys[0] if keys else param, problem.detail.message) from None


def _listed(name: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The elements of a list in order: as they stand, and those with a number behind them by it."""
    bare, numbered = [], {}
    for key, value in pairs:
        if key in (name, f"{name}[]"):
            bare.append((key, value))
        elif match := re.fullmatch(re.escape(name) + r"\[([0-9]{1,9})\]", key):
            if int(match[1]) in numbered:
                raise invalid(key, "given more than once")
            numbered[int(match[1])] = (key, value)
    return bare + [numbered[number] for number in sorted(numbered)]


def first_problem(error: ValidationError, given: Any) -> Problem:
    """The first thing wrong with what was given, as a Problem (400) that names the field, dotted where it is nested."""
    first = error.errors(include_url=False, include_context=False)[0]
    message = _MESSAGES.get(first["type"], first["msg"].removeprefix("Value error, "))
    return invalid(_path(first["loc"], given), message)


_MESSAGES = {"missing": "missing", "extra_forbidden": "unknown"}


def _path(loc: Sequence[int | str], given: Any) -> str:
    """The part of a pydantic location that lies in what was given: behind it come names of union members."""
    path: list[str] = []
    for place, part in enumerate(loc):
        if isinstance(given, Mapping):
            if part not in given and place + 1 < len(loc):
                continue  # of a union
            path.append(str(part))
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int) and path:
            path.append(str(part))
            given = given[part] if part < len(given) else None
        else:
            break
    return ".".join(path)
