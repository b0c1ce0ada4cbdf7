"""As a user would write it on the client that openapi-python-client generates: prints the answers it read, as JSON."""

import json
import sys
from datetime import datetime
from typing import Any

from throughline_client import AuthenticatedClient
from throughline_client.api.analytics import (
    custom_event_funnel,
    custom_event_types,
    dashboard,
    engagement_funnel,
    event_data_keys,
    friction,
    reach,
    revenue,
    scroll_depth,
    session_events,
    site,
    sites,
    visitor_sessions,
    visitors,
)
from throughline_client.models import Dashboard, ErrorBody, ReachMetric, VisitorSessions

url, token, site_id, visitor_id, from_, to = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)
of: dict[str, Any] = {"client": client, "site_id": site_id}
range_: dict[str, Any] = {"from_": datetime.fromisoformat(from_), "to": datetime.fromisoformat(to)}

board = dashboard.sync(site_id, client=client, from_=datetime.fromisoformat(from_), to=datetime.fromisoformat(to))
assert isinstance(board, Dashboard)
told = visitor_sessions.sync(visitor_id, client=client)
assert isinstance(told, VisitorSessions)
listed = sites.sync(client=client)
assert isinstance(listed, list)
answers = {
    "sites": [each.to_dict() for each in listed],
    "dashboard": board.to_dict(),
    "visitor_sessions": told.to_dict(),
}
for name, answer in {
    "site": site.sync(**of),
    "revenue": revenue.sync(**of, **range_),
    "friction": friction.sync(**of, **range_),
    "scroll_depth": scroll_depth.sync(**of, **range_, limit=5),
    "engagement_funnel": engagement_funnel.sync(**of, **range_),
    "reach": reach.sync(**of, **range_, metric=ReachMetric.EVENT, value="buy"),
    "custom_event_types": custom_event_types.sync(**of, **range_),
    "custom_event_funnel": custom_event_funnel.sync(**of, **range_, steps=["add", "buy"]),
    "event_data_keys": event_data_keys.sync(**of, type_="add"),
    "visitors": visitors.sync(**of),
    "session_events": session_events.sync(visitor_id, told.sessions[0].id, client=client),
}.items():
    assert answer is not None and not isinstance(answer, ErrorBody), (name, answer)
    answers[name] = answer.to_dict()
refused = reach.sync(**of, metric=ReachMetric.PAGE, value="")
assert isinstance(refused, ErrorBody)
total: int = board.total_sessions
buckets = [(bucket.period, bucket.count) for bucket in board.sessions_over_time]
json.dump({"answers": answers, "total": total, "buckets": len(buckets), "param": refused.error.param}, sys.stdout)
