"""Who may ask what: one table of every endpoint, and the one place where it is obeyed."""

from typing import NamedTuple

from api.caller import Caller
from api.problem import Problem
from api.registry.account import Role, Scope
from api.registry.change import forbidden, site_of
from api.registry.state import State
from ingest.contract.site import Site


class Right(NamedTuple):
    """What an endpoint asks of its caller.

    `role`: the least one on the site of the path, None where there is no site. `scope`: the least of a key; a key of
    scope `ingest` has none of them. `bound`: without a site in the path, open to a key of one site too. `shared`: open
    to a share link of the site.
    """

    role: Role | None
    scope: Scope
    bound: bool = False
    shared: bool = False


PUBLIC = None  # nobody is asked who they are
SELF = Right(None, "read", bound=True)
LIST = Right(None, "read", bound=True)  # of what the caller may see
ACCOUNT = Right(None, "manage")
ANSWER = Right("viewer", "read", shared=True)
READ = Right("viewer", "read")
EDIT = Right("editor", "manage")
OWN = Right("owner", "manage")

# By the endpoint's name. One that is missing here does not start.
RIGHTS: dict[str, Right | None] = {
    "login": PUBLIC,
    "invitation": PUBLIC,
    "accept-invitation": PUBLIC,
    "open-share": PUBLIC,
    "logout": SELF,
    "me": SELF,
    "account-password": ACCOUNT,
    "sign-out-everywhere": ACCOUNT,
    "keys": ACCOUNT,
    "add-key": ACCOUNT,
    "revoke-key": ACCOUNT,
    "sites": LIST,
    "add-site": ACCOUNT,
    "site": READ,
    "change-site": EDIT,
    "delete-site": OWN,
    "dashboard": ANSWER,
    "revenue": ANSWER,
    "friction": ANSWER,
    "breakdown": ANSWER,
    "goals": ANSWER,
    "scroll-depth": ANSWER,
    "engagement-funnel": ANSWER,
    "reach": ANSWER,
    "custom-event-types": ANSWER,
    "custom-event-funnel": ANSWER,
    "event-data-keys": ANSWER,
    "event-data-values": ANSWER,
    "now": ANSWER,
    "over-time": ANSWER,
    "page-flow": ANSWER,
    "freshness": ANSWER,
    "friction-preview": READ,
    "visitors": READ,
    "ledger": READ,
    "visitor-sessions": READ,
    "session-events": READ,
    "export-visitor": READ,
    "erase-visitor": EDIT,
    "erasure": READ,
    "rebuild": READ,
    "retention": READ,
    "start-rebuild": EDIT,
    "members": OWN,
    "invite-member": OWN,
    "remove-member": OWN,
    "remove-member-of-query": OWN,
    "links": EDIT,
    "add-link": EDIT,
    "revoke-link": EDIT,
}


def allowed(state: State, who: Caller, right: Right, site: str | None) -> Site | None:
    """The site of the path, if there is one, for a caller who may do this there.

    Raises Problem (403) and Refusal, whose words tell nothing of a site that the caller has no part in.
    """
    if who.link is not None:
        if not right.shared or site != who.link.site:
            raise forbidden()
        return state.site_by_id[who.link.site]  # a link is living only with its site
    if who.key is not None:
        if who.key.scope == "ingest" or (right.scope == "manage" and who.key.scope != "manage"):
            raise Problem(403, "forbidden", f"a key of scope `{who.key.scope}` does not allow this")
        if who.key.site is not None and site != who.key.site and not (site is None and right.bound):
            raise forbidden()
    return None if right.role is None or site is None else site_of(state, who.account.id, site, right.role)
