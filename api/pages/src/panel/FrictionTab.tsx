import { useState } from "preact/hooks";
import { BUCKET_NAME, frictionDefinition } from "../data/definitions";
import * as format from "../data/format";
import { type Scope, useAnswer } from "../data/scope";
import { BUCKETS, type Friction, type FrictionRow } from "../data/types";
import { Icon } from "../part/Icon";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { Legend, Stack } from "../part/Stack";
import { bucketTable, totalOf } from "./friction";

/** How sessions went, by source and campaign. */
export function FrictionTab({ scope }: { scope: Scope }) {
  const load = useAnswer<Friction>("friction", scope);
  return (
    <div class="panels">
      <Panel
        title="How visits went, by source"
        wide
        load={load}
        definition={({ thresholds }) => frictionDefinition(thresholds)}
        table={bucketTable}
        empty={({ sources }) => sources.length === 0 && "No sessions in this range."}
        lines={10}
      >
        {(data) => (
          <>
            <Stack row={totalOf(data)} tall />
            <Legend row={totalOf(data)} />
            <Breakdown data={data} />
          </>
        )}
      </Panel>
    </div>
  );
}

function Breakdown({ data }: { data: Friction }) {
  const [open, setOpen] = useState<string[]>(data.sources.slice(0, 1).map(({ key }) => key));
  return (
    <div class="scroller">
      <table class="breakdown">
        <caption class="unseen">Sessions by source, campaign and how they went</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col" class="picture">
              Share
            </th>
            {BUCKETS.map((bucket) => (
              <th key={bucket} scope="col" class="n">
                {BUCKET_NAME[bucket]}
              </th>
            ))}
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

const Cells = ({ row }: { row: FrictionRow }) => (
  <>
    <td class="picture">
      <Stack row={row} />
    </td>
    {BUCKETS.map((bucket) => (
      <td key={bucket} class="n" title={format.count(row.buckets[bucket])}>
        {format.percent(row.bucket_pct[bucket])}
      </td>
    ))}
    <td class="n">{format.count(row.total)}</td>
  </>
);
