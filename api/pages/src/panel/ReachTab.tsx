import { useEffect, useState } from "preact/hooks";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useBoth } from "../data/scope";
import type { Dashboard, Reach, ReachRow } from "../data/types";
import { Panel } from "../part/Panel";
import { Skeleton } from "../part/State";
import { Totals } from "../part/Totals";
import { type Column, Tree } from "../part/Tree";

const COLUMNS: Column<ReachRow>[] = [
  {
    head: "Share",
    picture: true,
    cell: ({ pct }) => (
      <span class="meter" aria-hidden="true">
        <i style={{ width: `${pct}%` }} />
      </span>
    ),
  },
  { head: "Reach", cell: ({ pct }) => format.percent(pct) },
  { head: "Reached", cell: ({ reached }) => format.count(reached) },
  { head: "Sessions", cell: ({ total }) => format.count(total) },
];

/** Which sources bring people who get as far as a page or an event. */
export function ReachTab({ scope, dashboard: { data: dashboard, busy } }: { scope: Scope; dashboard: Loaded<Dashboard> }) {
  const { query } = useRoute();
  const metric = query.get("metric") === "event" ? "event" : "page";
  const known = metric === "page" ? dashboard?.top_pages.map((p) => p.page) : dashboard?.top_events.map((e) => e.type);
  const value = query.get("value") ?? known?.[0] ?? "";
  const [typed, type] = useState(value);
  useEffect(() => type(value), [value]);
  const load = useBoth<Reach>("reach", scope, { metric, value }, { ask: value !== "" });

  return (
    <>
      <form
        class="filter"
        role="search"
        aria-label="What was reached"
        onSubmit={(event) => {
          event.preventDefault();
          go(withQuery({ metric, value: typed.trim() || null }));
        }}
      >
        <div class="segments" role="group" aria-label="Reached what">
          {(["page", "event"] as const).map((choice) => (
            <button
              key={choice}
              type="button"
              aria-pressed={metric === choice}
              onClick={() => go(withQuery({ metric: choice, value: null }))}
            >
              {choice === "page" ? "Page" : "Event"}
            </button>
          ))}
        </div>
        <label>
          {metric === "page" ? "Page" : "Event type"}
          <input
            type="text"
            value={typed}
            list="known-values"
            spellcheck={false}
            onInput={(event) => type(event.currentTarget.value)}
            onChange={(event) => go(withQuery({ metric, value: event.currentTarget.value.trim() || null }))}
          />
        </label>
        <datalist id="known-values">
          {known?.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </form>
      <div class="panels">
        {value === "" ? (
          <div class="panel wide" aria-busy={busy}>
            {busy ? <Skeleton lines={10} /> : <p class="nothing">Type {metric === "page" ? "the path of a page" : "an event type"} to see who gets there.</p>}
          </div>
        ) : (
          <Panel
            title={`Sessions that reached ${metric === "page" ? format.page(value) : value}`}
            wide
            load={load}
            definition={DEFINITION.reach}
            lines={10}
            table={({ now }) => ({
              head: ["source", "campaign", "sessions", "reached", "%"],
              rows: now.sources.flatMap((source) => source.campaigns.map((c) => [source.key, c.key, c.total, c.reached, c.pct])),
            })}
            empty={({ now }) => now.sources.length === 0 && "No sessions in this range."}
          >
            {({ now, before }) => (
              <>
                <Totals
                  compared={scope.compared !== null}
                  totals={[
                    { name: "Reach", now: now.reach_pct, before: before?.reach_pct, written: format.percent },
                    { name: "Reached it", now: now.reached_sessions, before: before?.reached_sessions },
                    { name: "Sessions", now: now.total_sessions, before: before?.total_sessions },
                  ]}
                />
                <Tree caption="Reach by source and campaign" rows={now.sources} columns={COLUMNS} />
              </>
            )}
          </Panel>
        )}
      </div>
    </>
  );
}
