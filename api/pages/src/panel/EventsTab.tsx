import { useState } from "preact/hooks";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { analytics } from "../data/api";
import { useLoad } from "../data/load";
import { withQuery } from "../data/route";
import { type Scope, useAnswer, useBoth } from "../data/scope";
import type { DataKeys, DataValues, EventTypes } from "../data/types";
import { Failure, Skeleton } from "../part/State";
import { Bars } from "../part/Bars";
import { Delta } from "../part/Delta";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { Icon } from "../part/Icon";
import { FunnelPanel } from "./FunnelPanel";

/** Custom events by type with the keys of their data, and funnels over them. */
export function EventsTab({ scope }: { scope: Scope }) {
  const load = useBoth<EventTypes>("custom-event-types", scope);
  const [open, setOpen] = useState<string | null>(null);
  const most = Math.max(1, ...(load.data?.now.event_types ?? []).map(({ count }) => count));
  return (
    <div class="panels">
      <FunnelPanel scope={scope} known={load.data?.now.event_types.map(({ type }) => type) ?? []} />
      <Panel
        title="Custom events"
        wide
        load={load}
        definition={DEFINITION.types}
        lines={8}
        table={({ now: { event_types } }) => ({ head: ["type", "count", "sessions"], rows: event_types.map((e) => [e.type, e.count, e.sessions]) })}
        empty={({ now: { event_types } }) =>
          event_types.length === 0 && (
            <>
              <p>No custom events in this range.</p>
              <p>
                Record one with <code>throughline.track("signup", {"{plan: 'pro'}"})</code>, or without code:{" "}
                <code>{'<button data-event="signup">'}</code>
              </p>
            </>
          )
        }
      >
        {({ now: { event_types }, before }) => (
          <table class="bars">
            <caption class="unseen">Custom events by type</caption>
            <thead>
              <tr>
                <th scope="col">Type</th>
                <th scope="col" class="n">
                  Count
                </th>
                <th scope="col" class="n">
                  Sessions
                </th>
                {scope.compared && (
                  <th scope="col" class="n">
                    Change
                  </th>
                )}
                <th scope="col" class="n">
                  <span class="unseen">Reach</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {event_types.map((e) => [
                <tr key={e.type}>
                  <th scope="row">
                    <span class="bar" style={{ width: `${(e.count / most) * 100}%` }} />
                    <div class="opened">
                      <button
                        type="button"
                        class="opener"
                        aria-expanded={open === e.type}
                        aria-label={`Data of ${e.type}`}
                        onClick={() => setOpen(open === e.type ? null : e.type)}
                      >
                        <Icon name="right" />
                      </button>
                      <Pick of={{ event: e.type }}>{e.type}</Pick>
                    </div>
                  </th>
                  <td class="n">{format.count(e.count)}</td>
                  <td class="n">{format.count(e.sessions)}</td>
                  {scope.compared && (
                    <td class="n more">
                      <Delta now={e.count} before={before && (before.event_types.find(({ type }) => type === e.type)?.count ?? 0)} />
                    </td>
                  )}
                  <td class="n more">
                    <a href={withQuery({ tab: "reach", metric: "event", value: e.type })}>
                      Reach<span class="unseen"> of {e.type}</span>
                    </a>
                  </td>
                </tr>,
                open === e.type && (
                  <tr key={`${e.type} keys`}>
                    <td colSpan={5}>
                      <Keys scope={scope} type={e.type} />
                    </td>
                  </tr>
                ),
              ])}
            </tbody>
          </table>
        )}
      </Panel>
    </div>
  );
}

function Keys({ scope, type }: { scope: Scope; type: string }) {
  const load = useLoad<DataKeys>(type, () => analytics(scope.site.id, "event-data-keys", { type }), 0);
  const [chosen, choose] = useState<string | null>(null);
  if (load.error) return <Failure error={load.error} again={load.again} />;
  if (!load.data) return <Skeleton lines={1} />;
  if (load.data.keys.length === 0) return <p class="hinted">Events of this type carry no data.</p>;
  return (
    <>
      <p class="keys">
        <span class="hinted">Values of</span>
        {load.data.keys.map((key) => (
          <button key={key} type="button" class="key" aria-pressed={key === chosen} onClick={() => choose(key === chosen ? null : key)}>
            <code>{key}</code>
          </button>
        ))}
      </p>
      {chosen !== null && <Values key={chosen} scope={scope} type={type} data={chosen} />}
    </>
  );
}

/** Of all sessions: what an event carries is no attribute of a session that a filter could select by. */
function Values({ scope, type, data: key }: { scope: Scope; type: string; data: string }) {
  const load = useAnswer<DataValues>("event-data-values", { ...scope, filters: [] }, { type, key });
  if (load.error) return <Failure error={load.error} again={load.again} />;
  if (!load.data) return <Skeleton lines={4} />;
  const { rows, total_rows } = load.data;
  return (
    <div class="values">
      <Bars
        name={key}
        caption={`Values of ${key} of ${type}`}
        columns={["Count", "Sessions"]}
        bars={rows.map((row) => ({ key: row.value, label: <bdi>{row.value}</bdi>, value: row.count, more: [format.count(row.sessions)] }))}
      />
      {total_rows > rows.length && <p class="hinted">The {format.count(rows.length)} most frequent of {format.count(total_rows)}.</p>}
      {scope.filters.length > 0 && <p class="hinted">Of all sessions, without the filters.</p>}
    </div>
  );
}
