import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { type Scope, useBoth } from "../data/scope";
import type { PageFlow as Answer } from "../data/types";
import { Bars } from "../part/Bars";
import { Panel } from "../part/Panel";
import { Totals } from "../part/Totals";

/** Where people come to a page, leave from it and go on to, and from which sources. */
export function PageFlow({ scope, url }: { scope: Scope; url: string }) {
  const load = useBoth<Answer>("page-flow", scope, { url });
  const name = format.page(url);
  const none = scope.compared ? null : undefined; // keeps the column's place
  return (
    <>
      <Panel
        title={`Where people go from ${name}`}
        load={load}
        definition={DEFINITION.flow}
        lines={12}
        table={({ now }) => ({ head: ["next page", "views", "%"], rows: [...now.next.map((row) => [row.page, row.count, row.pct]), ["", now.exits, now.exit_rate]] })}
        empty={({ now }) => now.views === 0 && "No session viewed this in the range."}
      >
        {({ now, before }) => (
          <>
            <Totals
              compared={scope.compared !== null}
              totals={[
                { name: "Views", now: now.views, before: before?.views },
                { name: "Entries", now: now.entries, before: before?.entries },
                { name: "Exits", now: now.exits, before: before?.exits },
                { name: "Exit rate", now: now.exit_rate, before: before?.exit_rate, written: format.percent, inverse: true },
              ]}
            />
            <Bars
              name="Next page"
              caption={`What followed views of ${name}`}
              columns={["Views", "Share"]}
              bars={[
                ...(now.exits ? [{ key: "", label: <i>Left the site</i>, value: now.exits, more: [format.percent(now.exit_rate)], before: before?.exits ?? none }] : []),
                ...now.next.map((row) => ({
                  key: row.page,
                  label: (
                    <>
                      <bdi>{format.page(row.page)}</bdi> {row.page === now.page && <small>again</small>}
                    </>
                  ),
                  title: format.page(row.page),
                  of: { page: row.page },
                  value: row.count,
                  more: [format.percent(row.pct)],
                  before: before ? (before.next.find(({ page }) => page === row.page)?.count ?? 0) : none,
                })),
              ].sort((a, b) => b.value - a.value)}
            />
          </>
        )}
      </Panel>
      <Panel
        title={`Who leaves from ${name}`}
        load={load}
        definition={DEFINITION.flow}
        lines={12}
        table={({ now }) => ({
          head: ["source", "sessions", "views", "entries", "exits", "exit rate"],
          rows: now.sources.map((row) => [row.key, row.sessions, row.views, row.entries, row.exits, row.exit_rate]),
        })}
        empty={({ now }) => now.views === 0 && "No session viewed this in the range."}
      >
        {({ now, before }) => (
          <>
            <p class="hinted">Press a source to see where its visitors go.</p>
            <Bars
              name="Source"
              caption={`Exits from ${name} by source`}
              columns={["Exits", "Views", "Exit rate"]}
              bars={now.sources
                .toSorted((a, b) => b.exits - a.exits)
                .map((row) => ({
                  key: row.key,
                  label: <bdi>{format.source(row.key)}</bdi>,
                  of: { source: row.key },
                  value: row.exits,
                  more: [format.count(row.views), format.percent(row.exit_rate)],
                  before: before ? (before.sources.find(({ key }) => key === row.key)?.exits ?? 0) : none,
                }))}
            />
          </>
        )}
      </Panel>
    </>
  );
}
