import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { endsNow } from "../data/range";
import { go, withQuery } from "../data/route";
import type { Scope } from "../data/scope";
import type { Dashboard } from "../data/types";
import { Chart, type Line } from "../part/Chart";
import { Panel } from "../part/Panel";
import { Icon } from "../part/Icon";

interface Total {
  name: string;
  value: (d: Dashboard) => number;
  written: (n: number) => string;
  /** More of it is worse. */
  inverse?: boolean;
}

const perSession = ({ pageviews, total_sessions }: Dashboard) => (total_sessions ? pageviews / total_sessions : 0);

const TOTALS: Total[] = [
  { name: "Visitors", value: (d) => d.visitors, written: format.short },
  { name: "Sessions", value: (d) => d.total_sessions, written: format.short },
  { name: "Pageviews", value: (d) => d.pageviews, written: format.short },
  { name: "Views per session", value: perSession, written: format.decimal },
  { name: "Bounce rate", value: (d) => d.bounce_rate, written: format.percent, inverse: true },
  { name: "Average duration", value: (d) => d.avg_session_duration, written: format.duration },
];

function Change({ total, now, before }: { total: Total; now: Dashboard; before: Dashboard }) {
  const [a, b] = [total.value(before), total.value(now)];
  if (a === 0) return <dd class="changed change">{b === 0 ? "no change" : "new"}</dd>;
  const change = ((b - a) / a) * 100;
  const level = Math.abs(change) < 0.05;
  const good = change > 0 !== Boolean(total.inverse);
  return (
    <dd class={`changed change ${level ? "" : good ? "good" : "bad"}`} title={`${total.written(a)} in the period before`}>
      {!level && <Icon name={change > 0 ? "up" : "down"} />}
      <span class="unseen">{level ? "" : change > 0 ? "up " : "down "}</span>
      {Math.abs(change) > 999 ? `>${format.count(999)}%` : format.percent(Math.abs(change))}
    </dd>
  );
}

/** Totals with their change, and sessions over time against the period before. */
export function Traffic({ scope, load, before }: { scope: Scope; load: Loaded<Dashboard>; before: Loaded<Dashboard> }) {
  const earlier = scope.compared && !before.error ? before.data : null;
  return (
    <Panel
      title="Sessions over time"
      wide
      picture
      load={load}
      definition={DEFINITION.totals}
      lines={7}
      table={(d) => ({
        head: earlier ? ["period", "sessions", "sessions before"] : ["period", "sessions"],
        rows: d.sessions_over_time.map(({ period, count }, at) =>
          earlier ? [period, count, earlier.sessions_over_time[at]?.count ?? null] : [period, count],
        ),
      })}
      empty={(d) =>
        d.total_sessions === 0 && d.pageviews === 0 ? (
          <>
            <p>Nobody came in this range.</p>
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
      {(d) => {
        const counts = d.sessions_over_time;
        const text = (at: number, from: Dashboard = d) => format.period(from.sessions_over_time[at]?.period ?? "", from.granularity, true);
        const top = counts.reduce((best, { count }, at) => (count > counts[best]!.count ? at : best), 0);
        const lines: Line[] = [{ label: "Sessions", values: counts.map(({ count }) => count), colour: "--accent", fill: true }];
        if (earlier)
          lines.push({
            label: "before",
            values: counts.map((_, at) => earlier.sessions_over_time[at]?.count ?? null),
            colour: "--before",
            dashed: true,
          });
        return (
          <>
            <dl class="totals">
              {TOTALS.map((total) => (
                <div key={total.name}>
                  <dt>{total.name}</dt>
                  <dd title={format.count(Math.round(total.value(d) * 100) / 100)}>{total.written(total.value(d))}</dd>
                  {earlier && <Change total={total} now={d} before={earlier} />}
                </div>
              ))}
            </dl>
            <Chart
              label={`Sessions over time: ${format.count(d.total_sessions)} in all, most on ${text(top)} with ${format.count(counts[top]?.count ?? 0)}.`}
              lines={lines}
              open={endsNow(scope.range, scope.zone)}
              tick={(at) => format.period(counts[at]?.period ?? "", d.granularity)}
              written={format.short}
              hint={(at) => ({
                head: text(at),
                rows: [
                  { name: "Sessions", value: format.count(counts[at]?.count ?? 0), colour: "--accent" },
                  ...(earlier?.sessions_over_time[at]
                    ? [{ name: text(at, earlier), value: format.count(earlier.sessions_over_time[at].count), colour: "--before" }]
                    : []),
                ],
              })}
            />
          </>
        );
      }}
    </Panel>
  );
}
