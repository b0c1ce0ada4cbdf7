// As a user would write it on the types that openapi-typescript generates: prints the answers it read, as JSON.
import createClient from "openapi-fetch";
import type { paths } from "./throughline.js";

const [baseUrl, token, site_id, visitor_id, from, to] = process.argv.slice(2) as [string, string, string, string, string, string];
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const of = { path: { site_id } };
const range = { from, to };
const analytics = "/api/sites/{site_id}/analytics";

const got = <Data>(answer: { data?: Data; response: Response }): Data => {
  if (answer.data === undefined) throw new Error(`${answer.response.url}: ${answer.response.status}`);
  return answer.data;
};

const dashboard = got(await client.GET(`${analytics}/dashboard`, { params: { ...of, query: range } }));
const sessions = got(await client.GET("/api/visitors/{visitor_id}/sessions", { params: { path: { visitor_id } } }));
const session_id = sessions.sessions[0]!.id;
const answers = {
  sites: got(await client.GET("/api/sites")),
  site: got(await client.GET("/api/sites/{site_id}", { params: of })),
  dashboard,
  revenue: got(await client.GET(`${analytics}/revenue`, { params: { ...of, query: range } })),
  friction: got(await client.GET(`${analytics}/friction`, { params: { ...of, query: range } })),
  scroll_depth: got(await client.GET(`${analytics}/scroll-depth`, { params: { ...of, query: { ...range, limit: 5 } } })),
  engagement_funnel: got(await client.GET(`${analytics}/engagement-funnel`, { params: { ...of, query: range } })),
  reach: got(await client.GET(`${analytics}/reach`, { params: { ...of, query: { ...range, metric: "event", value: "buy" } } })),
  custom_event_types: got(await client.GET(`${analytics}/custom-event-types`, { params: { ...of, query: range } })),
  custom_event_funnel: got(
    await client.GET(`${analytics}/custom-event-funnel`, { params: { ...of, query: { ...range, "steps[]": ["add", "buy"] } } }),
  ),
  event_data_keys: got(await client.GET(`${analytics}/event-data-keys`, { params: { ...of, query: { type: "add" } } })),
  visitors: got(await client.GET("/api/sites/{site_id}/visitors", { params: of })),
  visitor_sessions: sessions,
  session_events: got(
    await client.GET("/api/visitors/{visitor_id}/sessions/{session_id}/events", { params: { path: { visitor_id, session_id } } }),
  ),
};
const refused = await client.GET(`${analytics}/dashboard`, { params: { ...of, query: { from: "yesterday" } } });
const total: number = dashboard.total_sessions;
const buckets: { period: string; count: number }[] = dashboard.sessions_over_time;
const param: string | null | undefined = refused.error?.error.param;
console.log(JSON.stringify({ answers, total, buckets: buckets.length, param }));
