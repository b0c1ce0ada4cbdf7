import { DEFINITION, frictionDefinition } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { withQuery } from "../data/route";
import { type Scope, useAnswer } from "../data/scope";
import type { Dashboard, Friction } from "../data/types";
import { Bars } from "../part/Bars";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { Legend, Stack } from "../part/Stack";
import { bucketTable, totalOf } from "./friction";
import { Traffic } from "./Traffic";

/** The page one sees first: totals, sessions over time, and the lists. `load` is shared by all but the friction card. */
export function Overview({ scope, load, before }: { scope: Scope; load: Loaded<Dashboard>; before: Loaded<Dashboard> }) {
  return (
    <div class="panels">
      <Traffic scope={scope} load={load} before={before} />
      <Panel
        title="Sources"
        load={load}
        definition={DEFINITION.sources}
        table={({ referrers }) => ({ head: ["source", "sessions"], rows: referrers.map((r) => [r.source, r.count]) })}
        empty={({ referrers }) => referrers.length === 0 && "No sessions in this range."}
        lines={9}
      >
        {({ referrers, total_sessions }) => (
          <Bars
            name="Source"
            caption="Sessions by source"
            columns={["Sessions", "Share"]}
            bars={referrers.map((r) => ({
              key: r.source,
              of: { source: r.source },
              label: format.source(r.source),
              value: r.count,
              more: [format.percent(total_sessions ? (r.count / total_sessions) * 100 : 0)],
            }))}
          />
        )}
      </Panel>
      <Panel
        title="Pages"
        load={load}
        definition={DEFINITION.pages}
        table={({ top_pages }) => ({ head: ["page", "pageviews"], rows: top_pages.map((p) => [p.page, p.count]) })}
        empty={({ top_pages }) => top_pages.length === 0 && "No pageviews in this range."}
        lines={9}
      >
        {({ top_pages, pageviews }) => (
          <Bars
            name="Page"
            caption="Pageviews by page"
            columns={["Views", "Share"]}
            bars={top_pages.map((p) => ({
              key: p.page,
              label: p.page,
              value: p.count,
              of: { page: p.page },
              to: { address: withQuery({ tab: "engagement", url: p.page }), name: `How far sessions read ${p.page}` },
              more: [format.percent(pageviews ? (p.count / pageviews) * 100 : 0)],
            }))}
          />
        )}
      </Panel>
      <Outcome scope={scope} />
      <Panel
        title="Events"
        load={load}
        definition={DEFINITION.events}
        table={({ top_events }) => ({ head: ["type", "sessions"], rows: top_events.map((e) => [e.type, e.count]) })}
        empty={({ top_events }) =>
          top_events.length === 0 && (
            <>
              No custom events in this range. Record one with <code>throughline.track("signup")</code> or a <code>data-event</code> attribute.
            </>
          )
        }
      >
        {({ top_events, total_sessions }) => (
          <Bars
            name="Event"
            caption="Sessions by custom event"
            columns={["Sessions", "Share"]}
            bars={top_events.map((e) => ({
              key: e.type,
              label: e.type,
              value: e.count,
              of: { event: e.type },
              to: { address: withQuery({ tab: "reach", metric: "event", value: e.type }), name: `Reach of ${e.type}` },
              more: [format.percent(total_sessions ? (e.count / total_sessions) * 100 : 0)],
            }))}
          />
        )}
      </Panel>
      <Panel
        title="Countries"
        load={load}
        definition={DEFINITION.countries}
        table={({ countries }) => ({ head: ["country", "sessions"], rows: countries.map((c) => [c.country, c.count]) })}
        empty={({ countries }) => countries.length === 0 && "No sessions in this range."}
      >
        {({ countries, total_sessions }) => (
          <Bars
            name="Country"
            caption="Sessions by country"
            columns={["Sessions", "Share"]}
            first={8}
            bars={countries.map((c) => ({
              key: c.country,
              of: { country: c.country },
              label: (
                <>
                  <span class="code" aria-hidden="true">
                    {c.country === "unknown" ? "–" : c.country}
                  </span>
                  {format.country(c.country)}
                </>
              ),
              title: format.country(c.country),
              value: c.count,
              more: [format.percent(total_sessions ? (c.count / total_sessions) * 100 : 0)],
            }))}
          />
        )}
      </Panel>
      <Panel
        title="Devices"
        load={load}
        definition={DEFINITION.devices}
        table={({ devices }) => ({ head: ["device", "sessions"], rows: devices.map((d) => [d.device, d.count]) })}
        empty={({ total_sessions }) => total_sessions === 0 && "No sessions in this range."}
        lines={3}
      >
        {({ devices, total_sessions }) => (
          <Bars
            name="Device"
            caption="Sessions by device"
            columns={["Sessions", "Share"]}
            bars={devices.map((d) => ({
              key: d.device,
              of: { device: d.device },
              label: d.device,
              value: d.count,
              more: [format.percent(total_sessions ? (d.count / total_sessions) * 100 : 0)],
            }))}
          />
        )}
      </Panel>
    </div>
  );
}

/** How sessions ended, in one bar: the way in to the friction tab. */
function Outcome({ scope }: { scope: Scope }) {
  const load = useAnswer<Friction>("friction", scope);
  return (
    <Panel
      title="How visits went"
      load={load}
      definition={({ thresholds }) => frictionDefinition(thresholds)}
      table={bucketTable}
      empty={({ sources }) => sources.length === 0 && "No sessions in this range."}
    >
      {(data) => (
        <>
          <Stack row={totalOf(data)} tall />
          <Legend row={totalOf(data)} />
          <ul class="stacks" aria-label="Largest sources">
            {data.sources.slice(0, 6).map((row) => (
              <li key={row.key}>
                <span class="label">
                  <Pick of={{ source: row.key }}>{format.source(row.key)}</Pick>
                </span>
                <Stack row={row} />
                <span class="unseen">{format.percent(row.bucket_pct.engaged)} engaged</span>
              </li>
            ))}
          </ul>
          <a class="link" href={withQuery({ tab: "friction" })}>
            By source and campaign
          </a>
        </>
      )}
    </Panel>
  );
}
