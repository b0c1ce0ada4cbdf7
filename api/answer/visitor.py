"""The visitor of a path, or whom a search means, within its site."""

import re
from typing import NamedTuple

from api.endpoint import AnyAsked, Asked
from api.parameter import VisitorsOf
from api.problem import Problem
from ingest.contract.visitor import own


def visitor_of(asked: AnyAsked) -> str:
    """Its 16 hex digits. Raises Problem (404)."""
    visitor = str(asked.request.path_params["visitor_id"]).partition("-")[2]
    if not re.fullmatch(r"[0-9a-f]{16}", visitor):
        raise Problem(404, "not_found", "the site has no such visitor")
    return visitor


class Sought(NamedTuple):
    """`named`: the visitor whom the site calls so; `begins`: how the id begins, "" if it is none."""

    named: str
    begins: str


def sought(asked: Asked[VisitorsOf]) -> Sought | None:
    """Whom the search means; None: nobody is searched."""
    text = asked.parameters.search
    if text is None:
        return None
    begins = text.strip().lower().removeprefix(f"{asked.site.id}-")
    return Sought(own(asked.site.secret, text), begins if re.fullmatch(r"[0-9a-f]{8,16}", begins) else "")
