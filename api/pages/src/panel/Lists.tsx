import type { ComponentChildren } from "preact";
import { analytics, isShared } from "../data/api";
import { dimensionOf } from "../data/dimensions";
import { of } from "../data/filter";
import * as format from "../data/format";
import { type Card, type ColumnName, columnOf, columnsOfAll, columnsOfCard, definitionOf, type List, type Row, useList } from "../data/lists";
import { rangeParams } from "../data/range";
import { go, useRoute, withQuery } from "../data/route";
import type { Scope } from "../data/scope";
import type { Dashboard } from "../data/types";
import { Bars } from "../part/Bars";
import { Delta } from "../part/Delta";
import { Icon } from "../part/Icon";
import { Pager } from "../part/Pager";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";

const PAGE = 100;
const FILE = 1000; // rows that the API puts in one CSV

/** What the dashboard's own answer lists of a dimension, whose sessions may be gone. */
const TOTALS: Record<string, { of: string; rows: (main: Dashboard) => [value: string, count: number][] }> = {
  source: { of: "Sessions", rows: (main) => main.referrers.map(({ source, count }) => [source, count]) },
  page: { of: "Pageviews", rows: (main) => main.top_pages.map(({ page, count }) => [page, count]) },
  event: { of: "Sessions", rows: (main) => main.top_events.map(({ type, count }) => [type, count]) },
  country: { of: "Sessions", rows: (main) => main.countries.slice(0, 10).map(({ country, count }) => [country, count]) },
  device: { of: "Sessions", rows: (main) => main.devices.map(({ device, count }) => [device, count]) },
};

/**
 * One card of the overview: the most frequent values of its dimensions, one dimension at a time. Of a range whose sessions
 * are gone, those that `main` tells.
 */
export function ListCard({ scope, card, main }: { scope: Scope; card: Card; main: Dashboard | null }) {
  const wanted = useRoute().query.get(card.key);
  const initial = card.dimensions[0] === "goal" && scope.site.settings.goals.length === 0 ? card.dimensions[1]! : card.dimensions[0]!;
  const dimension = wanted && card.dimensions.includes(wanted) ? wanted : initial;
  const load = useList(scope, dimension);
  const { name, many } = dimensionOf(dimension);
  const columns = columnsOfCard(dimension);
  const choices =
    card.dimensions.length > 1
      ? {
          names: Object.fromEntries(card.dimensions.map((key) => [key, dimensionOf(key).many])),
          chosen: dimension,
          choose: (key: string) => go(withQuery({ [card.key]: key === initial ? null : key }), true),
        }
      : undefined;
  const totals = TOTALS[dimension];
  if (load.error?.since && main && totals)
    return (
      <Panel
        key={card.key}
        title={card.title}
        load={{ ...load, data: totals.rows(main), error: null }}
        definition="Of a part of this range single sessions are not kept any more: these are its totals, the ten largest. They cannot be filtered."
        table={(rows) => ({ head: [name.toLowerCase(), totals.of.toLowerCase()], rows })}
        empty={(rows) => rows.length === 0 && nothing(dimension, scope)}
        choices={choices}
      >
        {(rows) => (
          <Bars
            name={name}
            caption={`${totals.of} by ${name.toLowerCase()}`}
            columns={[totals.of]}
            bars={rows.map(([value, count]) => ({ key: value, label: labelOf(dimension, value), title: dimensionOf(dimension).written(value), value: count }))}
          />
        )}
      </Panel>
    );
  return (
    <Panel
      key={card.key}
      title={card.title}
      load={load}
      definition={definitionOf(dimension)}
      table={(list) => tableOf(list, dimension, columns)}
      empty={({ rows }) => rows.length === 0 && nothing(dimension, scope)}
      lines={12}
      choices={choices}
    >
      {({ rows, total }) => (
        <>
          <Bars
            name={name}
            caption={`Sessions by ${name.toLowerCase()}`}
            columns={columns.map((column) => columnOf(column, dimension).head)}
            bars={rows.map((row) => ({
              key: row.value,
              label: labelOf(dimension, row.value),
              title: dimensionOf(dimension).written(row.value),
              of: { [dimension]: row.value },
              to: elsewhere(dimension, row.value),
              value: row.sessions,
              before: row.before,
              more: columns.slice(1).map((column) => columnOf(column, dimension).cell(row, null)),
            }))}
          />
          <a class="link" href={withQuery({ all: dimension, at: null })}>
            {total > rows.length ? `All ${format.count(total)} ${many.toLowerCase()}` : "Details"}
            {total <= rows.length && <span class="unseen"> of {many.toLowerCase()}</span>}
          </a>
        </>
      )}
    </Panel>
  );
}

/**
 * All values of a dimension, with all that is known of them, page by page. Its own filters do not apply, so that a value
 * can be added to them.
 */
export function All({ scope, dimension, from }: { scope: Scope; dimension: string; from: string }) {
  const own = scope.filters.some(of(dimension));
  const others = own ? { ...scope, filters: scope.filters.filter((text) => !of(dimension)(text)) } : scope;
  const page = Math.max(1, Number(useRoute().query.get("at")) || 1);
  const load = useList(others, dimension, PAGE, page);
  const { name, many } = dimensionOf(dimension);
  const currency = scope.site.settings.revenue?.currency ?? null;
  const columns = columnsOfAll(dimension, currency !== null);
  const total = load.data?.total ?? 0;
  const last = Math.max(1, Math.ceil(total / PAGE));
  return (
    <>
      <nav class="crumbs" aria-label="Path">
        <a href={withQuery({ all: null, at: null })}>{from}</a>
        <Icon name="right" />
        <span aria-current="page">{many}</span>
      </nav>
      <div class="panels">
        <Panel
          title={`All ${many.toLowerCase()}`}
          wide
          load={load}
          definition={definitionOf(dimension)}
          lines={12}
          table={(list) => tableOf(list, dimension, columns)}
          empty={({ rows }) => rows.length === 0 && page === 1 && nothing(dimension, scope)}
          tools={dimension !== "goal" && total > 0 && <Files scope={others} dimension={dimension} page={page} total={total} />}
        >
          {({ rows }) => (
            <>
              {own && <p class="hinted">Here without the filter by {name.toLowerCase()}, so that more can be chosen.</p>}
              <div class="scroller" tabIndex={0} role="region" aria-label={many}>
                <table class="plain all">
                  <caption class="unseen">All {many.toLowerCase()} by sessions</caption>
                  <thead>
                    <tr>
                      <th scope="col">{name}</th>
                      {columns.map((column) => (
                        <th key={column} scope="col" class="n">
                          {columnOf(column, dimension).head}
                        </th>
                      ))}
                      {scope.compared && (
                        <th scope="col" class="n">
                          Change
                        </th>
                      )}
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((row) => (
                      <tr key={row.value}>
                        <th scope="row">
                          <Pick of={{ [dimension]: row.value }} title={row.value}>
                            {labelOf(dimension, row.value)}
                          </Pick>
                        </th>
                        {columns.map((column) => (
                          <td key={column} class="n">
                            {columnOf(column, dimension).cell(row, currency)}
                          </td>
                        ))}
                        {scope.compared && (
                          <td class="n">
                            <Delta now={row.sessions} before={row.before ?? null} />
                          </td>
                        )}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {(last > 1 || page > 1) && <Pager page={page} last={last} total={total} one={name.toLowerCase()} many={many.toLowerCase()} at="at" />}
            </>
          )}
        </Panel>
      </div>
    </>
  );
}

/** The same list from the API as a file: the thousand rows that the page is among. */
function Files({ scope, dimension, page, total }: { scope: Scope; dimension: string; page: number; total: number }) {
  if (isShared()) return null; // a browser that follows a link does not say that it has one
  const part = Math.ceil((page * PAGE) / FILE);
  const range = rangeParams(scope.range, scope.zone, null, Date.now());
  const address = analytics(scope.site.id, "breakdown", {
    ...range,
    filter: scope.filters,
    dimension,
    format: "csv",
    limit: FILE,
    page: part > 1 ? part : undefined,
  });
  const [first, last] = [(part - 1) * FILE + 1, Math.min(part * FILE, total)];
  return (
    <a class="link file" href={address} download={`${dimension}.csv`}>
      CSV{total > FILE && ` of rows ${format.count(first)}–${format.count(last)}`}
    </a>
  );
}

function labelOf(dimension: string, value: string): ComponentChildren {
  const text = dimensionOf(dimension).written(value);
  if (dimension !== "country") return <bdi>{text}</bdi>;
  return (
    <>
      <span class="code" aria-hidden="true">
        {value === "unknown" ? "–" : value}
      </span>
      {text}
    </>
  );
}

/** The report that says more of a value. */
function elsewhere(dimension: string, value: string): { address: string; name: string } | undefined {
  if (dimension.endsWith("page") && value[0] === "/")
    return { address: withQuery({ tab: "engagement", url: value }), name: `Where people go from ${format.page(value)}` };
  if (dimension === "event") return { address: withQuery({ tab: "reach", metric: "event", value }), name: `Reach of ${value}` };
  return undefined;
}

const tableOf = ({ rows }: List, dimension: string, columns: ColumnName[]) => ({
  head: [dimension, ...columns],
  rows: rows.map((row: Row) => [row.value, ...columns.map((column) => row[column] ?? null)]),
});

function nothing(dimension: string, { site }: Scope): ComponentChildren {
  if (dimension === "goal")
    return site.settings.goals.length === 0 ? (
      <>
        No goals yet. Say in the <a href={`/sites/${site.id}/settings#goals`}>settings</a> which page or event is one.
      </>
    ) : (
      "No sessions in this range."
    );
  if (dimension === "event")
    return (
      <>
        No custom events in this range. Record one with <code>throughline.track("signup")</code> or a <code>data-event</code> attribute.
      </>
    );
  return dimension === "page" ? "No pageviews in this range." : "No sessions in this range.";
}
