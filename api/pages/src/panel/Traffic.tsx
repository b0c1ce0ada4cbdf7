import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { begun, rangeQuery, within } from "../data/range";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useAnswer } from "../data/scope";
import type { Dashboard, Revenue } from "../data/types";
import { Chart, type Line } from "../part/Chart";
import { Delta } from "../part/Delta";
import { IntervalPicker } from "../part/Interval";
import { Panel } from "../part/Panel";

/** The answers that a tile's number is from; `revenue` null: not asked for, or not there yet. */
interface Told {
  main: Dashboard;
  revenue: Revenue | null;
}

interface Total {
  name: string;
  value: (told: Told) => number;
  written: (n: number) => string;
  /** More of it is worse. */
  inverse?: boolean;
  /** The chart of it, by which name the address knows it. */
  series?: { key: string; of: (told: Told) => { period: string; value: number }[] };
}

const perSession = ({ main }: Told) => (main.total_sessions ? main.pageviews / main.total_sessions : 0);

const SESSIONS: Total = {
  name: "Sessions",
  value: ({ main }) => main.total_sessions,
  written: format.short,
  series: { key: "sessions", of: ({ main }) => main.sessions_over_time.map(({ period, count }) => ({ period, value: count })) },
};

const TOTALS: Total[] = [
  { name: "Visitors", value: ({ main }) => main.visitors, written: format.short },
  SESSIONS,
  { name: "Pageviews", value: ({ main }) => main.pageviews, written: format.short },
  { name: "Views per session", value: perSession, written: format.decimal },
  { name: "Bounce rate", value: ({ main }) => main.bounce_rate, written: format.percent, inverse: true },
  { name: "Average duration", value: ({ main }) => main.avg_session_duration, written: format.duration },
];

const revenueIn = (currency: string): Total => ({
  name: "Revenue",
  value: ({ revenue }) => revenue?.summary.total_revenue ?? 0,
  written: (n) => format.shortMoney(n, currency),
  series: { key: "revenue", of: ({ revenue }) => (revenue?.revenue_over_time ?? []).map(({ period, revenue: value }) => ({ period, value })) },
});

/** Totals with their change; the chosen one of those that have a series over time, against the period before. */
export function Traffic({ scope, load, before }: { scope: Scope; load: Loaded<Dashboard>; before: Loaded<Dashboard> }) {
  const { query } = useRoute();
  const setting = scope.site.settings.revenue;
  const totals = setting ? [...TOTALS, revenueIn(setting.currency)] : TOTALS;
  const chosen = totals.find(({ series }) => series?.key === query.get("chart")) ?? SESSIONS;
  const series = chosen.series!;
  const { interval, compared } = scope;
  const revenue = useAnswer<Revenue>("revenue", scope, { interval }, { ask: setting !== null });
  const revenueBefore = useAnswer<Revenue>("revenue", scope, { interval }, { ask: setting !== null, previous: true });

  // What is not drawn holds nothing up.
  const needed = chosen !== SESSIONS;
  const all: Loaded<Told> = {
    data: load.data && (!needed || revenue.data) ? { main: load.data, revenue: setting ? revenue.data : null } : null,
    error: load.error ?? (needed ? revenue.error : null),
    busy: load.busy || (needed && revenue.busy),
    again: () => [load, revenue].forEach(({ again }) => again()),
  };
  const earlier: Told | null =
    compared && !before.error && !before.busy && before.data && (!setting || revenueBefore.data) ? { main: before.data, revenue: revenueBefore.data } : null;
  const past = earlier ? series.of(earlier) : [];
  const title = `${chosen.name} over time`;
  const column = chosen.name.toLowerCase();

  return (
    <Panel
      title={title}
      wide
      picture
      load={all}
      definition={needed ? DEFINITION.revenue : DEFINITION.totals}
      lines={7}
      tools={<IntervalPicker scope={scope} />}
      table={(told) => ({
        head: earlier ? ["period", column, `${column} before`] : ["period", column],
        rows: series.of(told).map(({ period, value }, at) => (earlier ? [period, value, past[at]?.value ?? null] : [period, value])),
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
        const buckets = series.of(told);
        const text = (at: number, from = buckets) => format.period(from[at]?.period ?? "", interval, true);
        const top = buckets.reduce((best, { value }, at) => (value > buckets[best]!.value ? at : best), 0);
        const full = (value: number) => (needed ? chosen.written(value) : format.count(value));
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
                    {setting && total.series ? (
                      <button
                        type="button"
                        aria-pressed={total === chosen}
                        onClick={() => go(withQuery({ chart: total === SESSIONS ? null : total.series!.key }))}
                      >
                        {total.name}
                      </button>
                    ) : (
                      total.name
                    )}
                  </dt>
                  <dd title={format.count(Math.round(total.value(told) * 100) / 100)}>
                    {total.series?.key === "revenue" && told.revenue === null ? "–" : total.written(total.value(told))}
                  </dd>
                  {compared && (
                    <dd class="changed">
                      <Delta now={total.value(told)} before={earlier && total.value(earlier)} written={total.written} inverse={total.inverse} />
                    </dd>
                  )}
                </div>
              ))}
            </dl>
            <Chart
              label={`${title}: ${full(chosen.value(told))} in all, most on ${text(top)} with ${full(buckets[top]?.value ?? 0)}.`}
              lines={lines}
              open={open ? over - 1 : undefined}
              tick={(at) => axis.text(buckets[at]?.period ?? "")}
              every={axis.every}
              fine={needed}
              zoom={zoomer(scope, buckets)}
              written={needed ? (n) => format.axisMoney(n, setting!.currency) : format.axisCount}
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

/** Shows the days of some of a chart's buckets; of an hour nothing less is there. */
export const zoomer = (scope: Scope, buckets: { period: string }[]) => (first: number, last: number) => {
  const part = within(scope.range, scope.zone, buckets.map(({ period }) => period), first, last);
  if (part) go(withQuery(rangeQuery(part)));
};
