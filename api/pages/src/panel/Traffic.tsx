import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { begun, rangeQuery, within } from "../data/range";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useAnswer } from "../data/scope";
import type { Dashboard, OverTime, Revenue } from "../data/types";
import { Chart, type Line } from "../part/Chart";
import { Delta } from "../part/Delta";
import { IntervalPicker } from "../part/Interval";
import { Panel } from "../part/Panel";

/** The answers that a tile's number and chart are from; null: not asked for, or not there yet. */
interface Told {
  main: Dashboard;
  revenue: Revenue | null;
  over: OverTime | null;
}

interface Total {
  name: string;
  /** null: not known. */
  value: (told: Told) => number | null;
  written: (n: number) => string;
  /** Beside the lines of its chart, where that is not as `written`. */
  beside?: (n: number) => string;
  /** More of it is worse. */
  inverse?: boolean;
  /** The chart of it, by which name the address knows it, and the answer that it needs besides. */
  key: string;
  needs?: "revenue" | "over";
  series: (told: Told) => { period: string; value: number }[];
}

type Period = OverTime["over_time"][number];

const over = (of: (period: Period) => number) => ({
  needs: "over" as const,
  series: ({ over }: Told) => (over?.over_time ?? []).map((each) => ({ period: each.period, value: of(each) })),
});
const per = (a: number, b: number) => (b ? a / b : 0);

const SESSIONS: Total = {
  name: "Sessions",
  value: ({ main }) => main.total_sessions,
  written: format.short,
  key: "sessions",
  series: ({ main }) => main.sessions_over_time.map(({ period, count }) => ({ period, value: count })),
};

const TOTALS: Total[] = [
  { name: "Visitors", value: ({ main }) => main.visitors, written: format.short, key: "visitors", ...over((each) => each.visitors) },
  SESSIONS,
  { name: "Pageviews", value: ({ main }) => main.pageviews, written: format.short, key: "pageviews", ...over((each) => each.pageviews) },
  {
    name: "Views per session",
    value: ({ main }) => per(main.pageviews, main.total_sessions),
    written: format.decimal,
    key: "depth",
    ...over((each) => per(each.pageviews, each.sessions)),
  },
  { name: "Bounce rate", value: ({ main }) => main.bounce_rate, written: format.percent, inverse: true, key: "bounce", ...over((each) => each.bounce_rate) },
  {
    name: "Average duration",
    value: ({ main }) => main.avg_session_duration,
    written: format.duration,
    key: "duration",
    ...over((each) => each.avg_session_duration),
  },
];

const salesIn = (currency: string): Total[] => [
  {
    name: "Conversion",
    value: ({ main, revenue }) => per(100 * (revenue?.summary.total_transactions ?? 0), main.total_sessions),
    written: format.percent,
    key: "conversion",
    needs: "revenue",
    series: ({ main, revenue }) =>
      (revenue?.revenue_over_time ?? []).map(({ period, transactions }, at) => ({ period, value: per(100 * transactions, main.sessions_over_time[at]?.count ?? 0) })),
  },
  {
    name: "Revenue",
    value: ({ revenue }) => revenue?.summary.total_revenue ?? 0,
    written: (n) => format.shortMoney(n, currency),
    beside: (n) => format.axisMoney(n, currency),
    key: "revenue",
    needs: "revenue",
    series: ({ revenue }) => (revenue?.revenue_over_time ?? []).map(({ period, revenue: value }) => ({ period, value })),
  },
];

/** Totals with their change; the chosen one of those that have a series over time, against the period before. */
export function Traffic({ scope, load, before }: { scope: Scope; load: Loaded<Dashboard>; before: Loaded<Dashboard> }) {
  const { query } = useRoute();
  const setting = scope.site.settings.revenue;
  const totals = setting ? [...TOTALS, ...salesIn(setting.currency)] : TOTALS;
  const wanted = totals.find(({ key }) => key === query.get("chart")) ?? SESSIONS;
  const { interval, compared } = scope;
  const revenue = useAnswer<Revenue>("revenue", scope, { interval }, { ask: setting !== null });
  const revenueBefore = useAnswer<Revenue>("revenue", scope, { interval }, { ask: setting !== null, previous: true });
  const detail = useAnswer<OverTime>("over-time", scope, { interval }, { ask: wanted.needs === "over" });
  const detailBefore = useAnswer<OverTime>("over-time", scope, { interval }, { ask: wanted.needs === "over", previous: true });
  const chosen = detail.error?.since ? SESSIONS : wanted; // what is drawn of the others needs the sessions themselves

  // What is not drawn holds nothing up.
  const needed = chosen.needs && { revenue, over: detail }[chosen.needs];
  const all: Loaded<Told> = {
    data: load.data && (!needed || needed.data) ? { main: load.data, revenue: setting ? revenue.data : null, over: detail.data } : null,
    error: load.error ?? needed?.error ?? null,
    busy: load.busy || Boolean(needed?.busy),
    again: () => [load, ...(needed ? [needed] : [])].forEach(({ again }) => again()),
  };
  const earlier: Told | null =
    compared && !before.error && !before.busy && before.data && (!setting || revenueBefore.data) ? { main: before.data, revenue: revenueBefore.data, over: detailBefore.data } : null;
  const past = earlier ? chosen.series(earlier) : [];
  const title = `${chosen.name} over time`;
  const column = chosen.name.toLowerCase();

  return (
    <Panel
      title={title}
      wide
      picture
      load={all}
      definition={chosen.needs === "revenue" ? DEFINITION.revenue : DEFINITION.totals}
      lines={7}
      tools={<IntervalPicker scope={scope} />}
      table={(told) => ({
        head: earlier ? ["period", column, `${column} before`] : ["period", column],
        rows: chosen.series(told).map(({ period, value }, at) => (earlier ? [period, value, past[at]?.value ?? null] : [period, value])),
      })}
      empty={({ main }) =>
        main.total_sessions === 0 && main.pageviews === 0 ? (
          <>
            <p>{scope.filters.length ? "Nobody whom the filters select came in this range." : "Nobody came in this range."}</p>
            {scope.range.preset !== "90d" && (
              <button type="button" class="button quiet" onClick={() => go(withQuery({ range: "90d", from: null, to: null }))}>
                Show 90 days
              </button>
            )}
          </>
        ) : (
          false
        )
      }
    >
      {(told) => {
        const buckets = chosen.series(told);
        const text = (at: number, from = buckets) => format.period(from[at]?.period ?? "", interval, true);
        const top = buckets.reduce((best, { value }, at) => (value > buckets[best]!.value ? at : best), 0);
        const full = (value: number) => (chosen.written === format.short ? format.count(value) : chosen.written(value));
        const axis = format.axis(interval, buckets.length);
        const starts = buckets.map(({ period }) => period);
        const [over, open] = begun(starts, scope.range, scope.zone);
        const lines: Line[] = [{ label: chosen.name, values: buckets.map(({ value }, at) => (at < over ? value : null)), colour: "--accent", fill: true }];
        if (earlier) lines.push({ label: "before", values: buckets.map((_, at) => past[at]?.value ?? null), colour: "--before", dashed: true });
        return (
          <>
            <dl class="totals">
              {totals.map((total) => (
                <div key={total.name} class={total === chosen ? "chosen" : undefined}>
                  <dt>
                    <button type="button" aria-pressed={total === chosen} onClick={() => go(withQuery({ chart: total === SESSIONS ? null : total.key }))}>
                      {total.name}
                    </button>
                  </dt>
                  <Figure total={total} told={told} />
                  {compared && (
                    <dd class="changed">
                      <Delta now={total.value(told)} before={earlier && total.value(earlier)} written={total.written} inverse={total.inverse} />
                    </dd>
                  )}
                </div>
              ))}
            </dl>
            <Chart
              label={`${title}: ${full(chosen.value(told) ?? 0)} in all, most on ${text(top)} with ${full(buckets[top]?.value ?? 0)}.`}
              lines={lines}
              open={open ? over - 1 : undefined}
              tick={(at) => axis.text(buckets[at]?.period ?? "")}
              every={axis.every}
              fine={chosen.written !== format.short}
              zoom={zoomer(scope, buckets)}
              written={chosen.beside ?? (chosen.written === format.short ? format.axisCount : chosen.written)}
              hint={(at) => ({
                head: text(at),
                rows: [
                  ...(at < over ? [{ name: chosen.name, value: full(buckets[at]?.value ?? 0), colour: "--accent" }] : []),
                  ...(past[at] ? [{ name: text(at, past), value: full(past[at].value), colour: "--before" }] : []),
                ],
              })}
            />
          </>
        );
      }}
    </Panel>
  );
}

function Figure({ total, told }: { total: Total; told: Told }) {
  const value = total.needs === "revenue" && told.revenue === null ? null : total.value(told);
  if (value === null) return <dd title={total.needs ? undefined : "Only totals are kept of a part of this range."}>–</dd>;
  return <dd title={format.count(Math.round(value * 100) / 100)}>{total.written(value)}</dd>;
}

/** Shows the days of some of a chart's buckets; of an hour nothing less is there. */
export const zoomer = (scope: Scope, buckets: { period: string }[]) => (first: number, last: number) => {
  const part = within(scope.range, scope.zone, buckets.map(({ period }) => period), first, last);
  if (part) go(withQuery(rangeQuery(part)));
};
