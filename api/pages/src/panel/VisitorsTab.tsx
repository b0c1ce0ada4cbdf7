import type { ComponentChildren } from "preact";
import { BUCKET_NAME, DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import { useRoute, withQuery } from "../data/route";
import type { Scope } from "../data/scope";
import type { Session, SessionEvents, Sessions as Told } from "../data/types";
import { Icon } from "../part/Icon";
import { Panel } from "../part/Panel";
import { People } from "./People";
import { Person } from "./Person";

/** Visitors → the sessions of one → the events of one. */
export function VisitorsTab({ scope }: { scope: Scope }) {
  const { query } = useRoute();
  const visitor = query.get("visitor");
  const session = query.get("session");
  if (visitor && session) return <Events scope={scope} visitor={visitor} session={session} />;
  if (visitor) return <Sessions scope={scope} visitor={visitor} />;
  return <People scope={scope} />;
}

function Crumbs({ visitor, session }: { visitor: string; session?: string }) {
  return (
    <nav class="crumbs" aria-label="Path">
      <a href={withQuery({ visitor: null, session: null })}>Visitors</a>
      <Icon name="right" />
      {session ? <a href={withQuery({ session: null })}>{format.visitor(visitor)}</a> : <span aria-current="page">{format.visitor(visitor)}</span>}
      {session && (
        <>
          <Icon name="right" />
          <span aria-current="page">Session</span>
        </>
      )}
    </nav>
  );
}

function Sessions({ scope, visitor }: { scope: Scope; visitor: string }) {
  const load = useLoad<Told>(visitor, () => `/api/visitors/${encodeURIComponent(visitor)}/sessions`, scope.tick);
  const currency = scope.site.settings.revenue?.currency ?? null;
  return (
    <>
      <Crumbs visitor={visitor} />
      <div class="panels">
        <Panel
          title={`Sessions of ${format.visitor(visitor)}`}
          wide
          load={load}
          definition={DEFINITION.totals}
          table={({ sessions }) => ({
            head: ["session", "started", "ended", "duration", "pageviews", "events", "entry", "exit", "source", "campaign", "bucket", "revenue"],
            rows: sessions.map((s) => [
              s.id,
              s.started_at,
              s.ended_at,
              s.duration,
              s.pageviews,
              s.events_count,
              s.entry_page,
              s.exit_page,
              s.source,
              s.campaign,
              s.bucket,
              s.revenue,
            ]),
          })}
        >
          {({ sessions }) => (
            <ul class="sessions">
              {sessions.map((s) => (
                <li key={s.id}>
                  <a href={withQuery({ session: s.id })}>
                    <time dateTime={s.started_at}>{format.moment(s.started_at, scope.zone)}</time>
                    <span class={`chip ${s.bucket}`}>
                      <i />
                      {BUCKET_NAME[s.bucket] ?? s.bucket}
                    </span>
                    {s.revenue !== 0 && <b>{format.money(s.revenue, currency)}</b>}
                    <span class="path">
                      {s.entry_page === null ? "–" : <bdi>{format.page(s.entry_page)}</bdi>}
                      {s.exit_page !== null && s.exit_page !== s.entry_page && (
                        <>
                          {" "}
                          → <bdi>{format.page(s.exit_page)}</bdi>
                        </>
                      )}
                    </span>
                    <small>
                      {format.source(s.source)}
                      {s.campaign !== "(none)" && ` · ${s.campaign}`} · {format.count(s.pageviews)} {s.pageviews === 1 ? "view" : "views"} ·{" "}
                      {format.count(s.events_count)} {s.events_count === 1 ? "event" : "events"} · {format.duration(s.duration)} · {format.country(s.country)} ·{" "}
                      {[s.device, s.browser, s.os].filter(Boolean).join(", ")}
                    </small>
                  </a>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <Person visitor={visitor} />
      </div>
    </>
  );
}

const GAP_SECONDS = 60; // between two events that is told

function Events({ scope, visitor, session }: { scope: Scope; visitor: string; session: string }) {
  const address = `/api/visitors/${encodeURIComponent(visitor)}/sessions`;
  const sessions = useLoad<Told>(address, () => address, scope.tick);
  const load = useLoad<SessionEvents>(session, () => `${address}/${encodeURIComponent(session)}/events`, scope.tick);
  const about = sessions.data?.sessions.find(({ id }) => id === session);
  return (
    <>
      <Crumbs visitor={visitor} session={session} />
      <div class="panels">
        <Panel
          title="What happened"
          wide
          load={load}
          definition={DEFINITION.journey}
          lines={12}
          table={({ events }) => ({
            head: ["time", "type", "page", "title", "scroll", "revenue", "data"],
            rows: events.map((e) => [
              e.timestamp,
              e.type,
              e.page,
              e.title,
              e.scroll,
              e.revenue && `${e.revenue.amount} ${e.revenue.currency}`,
              e.data && JSON.stringify(e.data),
            ]),
          })}
        >
          {({ events }) => (
            <>
              {about && <About session={about} scope={scope} />}
              <ol class="timeline">
                {events.map((e, at) => {
                  const pause = at ? (Date.parse(e.timestamp) - Date.parse(events[at - 1]!.timestamp)) / 1000 : 0;
                  return [
                    pause >= GAP_SECONDS && (
                      <li key={`${e.id} gap`} class="gap">
                        <span>{format.duration(pause)} later</span>
                      </li>
                    ),
                    <li key={e.id} class={e.type === "pageview" ? "view" : "event"}>
                      <time dateTime={e.timestamp}>{format.clock(e.timestamp, scope.zone)}</time>
                      <div>
                        <strong>
                          <bdi>{e.type === "pageview" ? e.title || format.page(e.page) : e.type}</bdi>
                        </strong>
                        {e.revenue && <b>{format.money(e.revenue.amount, e.revenue.currency)}</b>}
                        <small>
                          <bdi>{format.page(e.page)}</bdi>
                          {e.scroll !== null && ` · read to ${format.percent(e.scroll)}`}
                        </small>
                        {e.data && Object.keys(e.data).length > 0 && <code>{JSON.stringify(e.data)}</code>}
                      </div>
                    </li>,
                  ];
                })}
              </ol>
            </>
          )}
        </Panel>
      </div>
    </>
  );
}

/** What is known of the whole session. */
function About({ session: s, scope }: { session: Session; scope: Scope }) {
  const facts: [string, ComponentChildren][] = [
    ["Began", format.moment(s.started_at, scope.zone)],
    ["Source", `${format.source(s.source)}${s.campaign === format.NONE ? "" : ` · ${s.campaign}`}`],
    ["Country", format.country(s.country)],
    ["Device", [s.device, s.browser, s.os].filter(Boolean).join(", ")],
    ["Duration", format.duration(s.duration)],
    ["Visit", BUCKET_NAME[s.bucket] ?? s.bucket],
  ];
  if (s.revenue) facts.push(["Revenue", format.money(s.revenue, scope.site.settings.revenue?.currency ?? null)]);
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}
