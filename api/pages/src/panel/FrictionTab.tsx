import { BUCKET_NAME, frictionDefinition } from "../data/definitions";
import * as format from "../data/format";
import { type Both, type Scope, useAnswer, useBoth } from "../data/scope";
import { BUCKETS, type Friction, type FrictionPreview, type FrictionRow } from "../data/types";
import { Delta } from "../part/Delta";
import { Panel } from "../part/Panel";
import { Past } from "../part/Past";
import { Legend, Stack } from "../part/Stack";
import { type Column, Tree } from "../part/Tree";
import { bucketTable, earlierOf, totalOf } from "./friction";

/** How sessions went, by source and campaign. */
export function FrictionTab({ scope }: { scope: Scope }) {
  const load = useBoth<Friction>("friction", scope);
  return (
    <div class="panels">
      <Panel
        title="How visits went, by source"
        wide
        load={load}
        definition={({ now }) => frictionDefinition(now.thresholds)}
        table={({ now }) => bucketTable(now)}
        empty={({ now }) => now.sources.length === 0 && "No sessions in this range."}
        lines={14}
      >
        {(both) => (
          <>
            <Judged scope={scope} />
            <Stack row={totalOf(both.now)} tall />
            <Legend row={totalOf(both.now)} before={both.before && totalOf(both.before)} />
            <Tree
              caption="Sessions by source, campaign and how they went"
              rows={withSource(both.now)}
              open={both.now.sources.slice(0, 1).map(({ key }) => key)}
              columns={columns(both, scope.compared !== null)}
            />
          </>
        )}
      </Panel>
    </div>
  );
}

/** Says so where other thresholds judged some of the sessions than those that are explained. */
function Judged({ scope }: { scope: Scope }) {
  const { data } = useAnswer<FrictionPreview>("friction-preview", scope);
  if (!data?.changed) return null;
  return (
    <Past site={scope.site}>
      <p class="hinted">
        {format.count(data.changed)} of these {format.count(data.total)} sessions were judged by earlier thresholds or pairs; today’s would judge them otherwise.
      </p>
    </Past>
  );
}

export type Line = FrictionRow & { source: string; campaigns?: Line[] };

/** Rows that know their source. */
export const withSource = ({ sources }: Friction): (Line & { campaigns: Line[] })[] =>
  sources.map((row) => ({ ...row, source: row.key, campaigns: row.campaigns.map((each) => ({ ...each, source: row.key })) }));

function columns({ before }: Both<Friction>, compared: boolean): Column<Line>[] {
  const earlier = earlierOf(before);
  return [
    { head: "Share", picture: true, cell: (row) => <Stack row={row} /> },
    ...BUCKETS.map((bucket) => ({
      head: BUCKET_NAME[bucket],
      cell: (row: Line) => format.percent(row.bucket_pct[bucket]),
      title: (row: Line) => format.count(row.buckets[bucket]),
    })),
    { head: "Sessions", cell: (row) => format.count(row.total) },
    ...(compared ? [{ head: "Change", cell: (row: Line) => <Delta now={row.total} before={earlier(row)} /> }] : []),
  ];
}
