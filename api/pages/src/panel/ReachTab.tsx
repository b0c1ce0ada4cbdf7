import { useEffect, useState } from "preact/hooks";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useAnswer } from "../data/scope";
import type { Dashboard, Reach, ReachRow } from "../data/types";
import { Icon } from "../part/Icon";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { Skeleton } from "../part/State";

/** Which sources bring people who get as far as a page or an event. */
export function ReachTab({ scope, dashboard: { data: dashboard, busy } }: { scope: Scope; dashboard: Loaded<Dashboard> }) {
  const { query } = useRoute();
  const metric = query.get("metric") === "event" ? "event" : "page";
  const known = metric === "page" ? dashboard?.top_pages.map((p) => p.page) : dashboard?.top_events.map((e) => e.type);
  const value = query.get("value") ?? known?.[0] ?? "";
  const [typed, type] = useState(value);
  useEffect(() => type(value), [value]);
  const load = useAnswer<Reach>("reach", scope, { metric, value }, { ask: value !== "" });

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
            title={`Sessions that reached ${value}`}
            wide
            load={load}
            definition={DEFINITION.reach}
            lines={10}
            table={({ sources }) => ({
              head: ["source", "campaign", "sessions", "reached", "%"],
              rows: sources.flatMap((source) => source.campaigns.map((c) => [source.key, c.key, c.total, c.reached, c.pct])),
            })}
            empty={({ sources }) => sources.length === 0 && "No sessions in this range."}
          >
            {(data) => (
              <>
                <dl class="totals">
                  <div>
                    <dt>Reach</dt>
                    <dd>{format.percent(data.reach_pct)}</dd>
                  </div>
                  <div>
                    <dt>Reached it</dt>
                    <dd>{format.short(data.reached_sessions)}</dd>
                  </div>
                  <div>
                    <dt>Sessions</dt>
                    <dd>{format.short(data.total_sessions)}</dd>
                  </div>
                </dl>
                <Rows data={data} />
              </>
            )}
          </Panel>
        )}
      </div>
    </>
  );
}

function Rows({ data }: { data: Reach }) {
  const [open, setOpen] = useState<string[]>([]);
  return (
    <div class="scroller">
      <table class="breakdown">
        <caption class="unseen">Reach by source and campaign</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col" class="picture">
              Share
            </th>
            <th scope="col" class="n">
              Reach
            </th>
            <th scope="col" class="n">
              Reached
            </th>
            <th scope="col" class="n">
              Sessions
            </th>
          </tr>
        </thead>
        <tbody>
          {data.sources.map((source) => {
            const shown = open.includes(source.key);
            return [
              <tr key={source.key}>
                <th scope="row">
                  <div class="opened">
                    <button
                      type="button"
                      class="opener"
                      aria-expanded={shown}
                      aria-label={`Campaigns of ${format.source(source.key)}`}
                      onClick={() => setOpen(shown ? open.filter((key) => key !== source.key) : [...open, source.key])}
                    >
                      <Icon name="right" />
                    </button>
                    <Pick of={{ source: source.key }}>{format.source(source.key)}</Pick>
                  </div>
                </th>
                <Cells row={source} />
              </tr>,
              ...(shown
                ? source.campaigns.map((campaign) => (
                    <tr key={`${source.key} ${campaign.key}`} class="inner">
                      <th scope="row">
                        <span class="label" title={campaign.key}>
                          <Pick of={{ source: source.key, campaign: campaign.key }}>{format.campaign(campaign.key)}</Pick>
                        </span>
                      </th>
                      <Cells row={campaign} />
                    </tr>
                  ))
                : []),
            ];
          })}
        </tbody>
      </table>
    </div>
  );
}

const Cells = ({ row }: { row: ReachRow }) => (
  <>
    <td class="picture">
      <span class="meter" aria-hidden="true">
        <i style={{ width: `${row.pct}%` }} />
      </span>
    </td>
    <td class="n">{format.percent(row.pct)}</td>
    <td class="n">{format.count(row.reached)}</td>
    <td class="n">{format.count(row.total)}</td>
  </>
);
