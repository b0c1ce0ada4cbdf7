import { frictionDefinition } from "../data/definitions";
import * as format from "../data/format";
import { CARDS } from "../data/lists";
import type { Loaded } from "../data/load";
import { withQuery } from "../data/route";
import { type Scope, useBoth } from "../data/scope";
import type { Dashboard, Friction } from "../data/types";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { Legend, Stack } from "../part/Stack";
import { ListCard } from "./Lists";
import { bucketTable, totalOf } from "./friction";
import { Traffic } from "./Traffic";

/** The page one sees first: totals, sessions over time, and the lists. `load` and `before` are of the first panel. */
export function Overview({ scope, load, before }: { scope: Scope; load: Loaded<Dashboard>; before: Loaded<Dashboard> }) {
  return (
    <div class="panels" data-tiles="many">
      <Traffic scope={scope} load={load} before={before} />
      <ListCard scope={scope} card={CARDS.sources} main={load.data} />
      <ListCard scope={scope} card={CARDS.pages} main={load.data} />
      <Outcome scope={scope} />
      <ListCard scope={scope} card={CARDS.events} main={load.data} />
      <ListCard scope={scope} card={CARDS.countries} main={load.data} />
      <ListCard scope={scope} card={CARDS.devices} main={load.data} />
    </div>
  );
}

/** How sessions ended, in one bar: the way in to the friction tab. */
function Outcome({ scope }: { scope: Scope }) {
  const load = useBoth<Friction>("friction", scope);
  return (
    <Panel
      title="How visits went"
      load={load}
      definition={({ now }) => frictionDefinition(now.thresholds)}
      table={({ now }) => bucketTable(now)}
      empty={({ now }) => now.sources.length === 0 && "No sessions in this range."}
      lines={12}
    >
      {({ now: data, before }) => (
        <>
          <Stack row={totalOf(data)} tall />
          <Legend row={totalOf(data)} before={before && totalOf(before)} />
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
