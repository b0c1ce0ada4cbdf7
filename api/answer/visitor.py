"""The visitor of a path, within its site."""

import re

from api.endpoint import AnyAsked
from api.problem import Problem


def visitor_of(asked: AnyAsked) -> str:
    """Its 16 hex digits. Raises Problem (404)."""
    visitor = str(asked.request.path_params["visitor_id"]).partition("-")[2]
    if not re.fullmatch(r"[0-9a-f]{16}", visitor):
        raise Problem(404, "not_found", "the site has no such visitor")
    return visitor
