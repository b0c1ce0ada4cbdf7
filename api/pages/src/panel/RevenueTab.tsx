import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { begun } from "../data/range";
import { type Both, type Scope, useBoth } from "../data/scope";
import type { Revenue } from "../data/types";
import { Bars } from "../part/Bars";
import { Chart, type Line } from "../part/Chart";
import { IntervalPicker } from "../part/Interval";
import { Panel } from "../part/Panel";
import { Totals } from "../part/Totals";
import { zoomer } from "./Traffic";

/** Revenue over time, by source and by campaign. */
export function RevenueTab({ scope }: { scope: Scope }) {
  const load = useBoth<Revenue>("revenue", scope, { interval: scope.interval });
  const unknown = scope.compared ? null : undefined; // keeps the column's place
  const none = ({ now: d }: Both<Revenue>) =>
    !d.configured ? (
      <>
        <p>Revenue is not set up for this site.</p>
        <p>
          Choose its currency in the <a href={`/sites/${scope.site.id}/settings#revenue`}>settings</a>, then send an amount with an event:
        </p>
        <pre tabIndex={0} aria-label="Example call">
          <code>{'throughline.track("purchase", {plan: "pro"}, {revenue: {amount: 19.9, transaction: "o-17"}})'}</code>
        </pre>
      </>
    ) : (
      false
    );
  const bare = (both: Both<Revenue>) => none(both) || (both.now.by_source.length === 0 && "No transactions in this range.");

  return (
    <div class="panels">
      <Panel
        title="Revenue over time"
        wide
        picture
        load={load}
        definition={DEFINITION.revenue}
        empty={none}
        tools={<IntervalPicker scope={scope} />}
        table={({ now: d }) => ({
          head: ["period", `revenue ${d.currency ?? ""}`.trim(), "orders"],
          rows: d.revenue_over_time.map((r) => [r.period, r.revenue, r.transactions]),
        })}
      >
        {({ now: d, before }) => {
          const money = (n: number) => format.money(n, d.currency);
          const series = d.revenue_over_time;
          const [over] = begun(series.map(({ period }) => period), scope.range, scope.zone);
          const axis = format.axis(scope.interval, series.length);
          const past = before?.revenue_over_time ?? [];
          const text = (at: number, from = series) => format.period(from[at]?.period ?? "", scope.interval, true);
          const lines: Line[] = [{ label: "Revenue", values: series.map((r, at) => (at < over ? r.revenue : null)), colour: "--accent", bars: true }];
          if (before) lines.push({ label: "before", values: series.map((_, at) => past[at]?.revenue ?? null), colour: "--before", dashed: true });
          return (
            <>
              <Totals
                compared={scope.compared !== null}
                totals={[
                  { name: "Revenue", now: d.summary.total_revenue, before: before?.summary.total_revenue, written: money },
                  { name: "Orders", now: d.summary.total_transactions, before: before?.summary.total_transactions },
                  { name: "Average order", now: d.summary.avg_order_value, before: before?.summary.avg_order_value, written: (n) => format.given(n, money(n)) },
                ]}
              />
              <Chart
                label={`Revenue over time: ${money(d.summary.total_revenue)} in ${format.count(d.summary.total_transactions)} orders.`}
                lines={lines}
                tick={(at) => axis.text(series[at]?.period ?? "")}
                every={axis.every}
                fine
                written={(n) => format.axisMoney(n, d.currency)}
                zoom={zoomer(scope, series)}
                hint={(at) => ({
                  head: text(at),
                  rows: [
                    { name: "Revenue", value: money(series[at]?.revenue ?? 0), colour: "--accent" },
                    { name: "Orders", value: format.count(series[at]?.transactions ?? 0), colour: "--card" },
                    ...(past[at] ? [{ name: text(at, past), value: money(past[at].revenue), colour: "--before" }] : []),
                  ],
                })}
              />
            </>
          );
        }}
      </Panel>
      <Panel
        title="Revenue by source"
        load={load}
        definition={DEFINITION.revenue}
        empty={bare}
        table={({ now: d }) => ({ head: ["source", "revenue", "orders"], rows: d.by_source.map((r) => [r.source, r.revenue, r.transactions]) })}
      >
        {({ now: d, before }) => (
          <Bars
            name="Source"
            caption="Revenue by source"
            columns={["Revenue", "Orders"]}
            long
            written={(n) => format.money(n, d.currency)}
            bars={d.by_source.map((r) => ({
              key: r.source,
              of: { source: r.source },
              label: format.source(r.source),
              value: r.revenue,
              before: before ? (before.by_source.find(({ source }) => source === r.source)?.revenue ?? 0) : unknown,
              more: [format.count(r.transactions)],
            }))}
          />
        )}
      </Panel>
      <Panel
        title="Revenue by campaign"
        load={load}
        definition={DEFINITION.revenue}
        empty={bare}
        table={({ now: d }) => ({
          head: ["source", "campaign", "revenue", "orders"],
          rows: d.by_campaign.map((r) => [r.source, r.campaign, r.revenue, r.transactions]),
        })}
      >
        {({ now: d, before }) => (
          <Bars
            name="Campaign"
            caption="Revenue by campaign"
            columns={["Revenue", "Orders"]}
            long
            written={(n) => format.money(n, d.currency)}
            bars={d.by_campaign.map((r) => ({
              key: `${r.source} → ${r.campaign}`,
              of: { source: r.source, campaign: r.campaign },
              label: (
                <>
                  {format.campaign(r.campaign)} <small>{format.source(r.source)}</small>
                </>
              ),
              value: r.revenue,
              before: before ? (before.by_campaign.find(({ source, campaign }) => source === r.source && campaign === r.campaign)?.revenue ?? 0) : unknown,
              more: [format.count(r.transactions)],
            }))}
          />
        )}
      </Panel>
      {load.data && load.data.now.excluded_currencies.length > 0 && (
        <Panel
          title="Other currencies"
          load={load}
          definition={DEFINITION.revenue}
          table={({ now: d }) => ({
            head: ["currency", "revenue", "orders"],
            rows: d.excluded_currencies.map((r) => [r.currency, r.revenue, r.transactions]),
          })}
        >
          {({ now: d }) => (
            <table class="plain">
              <caption class="unseen">Revenue in currencies that are not added</caption>
              <thead>
                <tr>
                  <th scope="col">Currency</th>
                  <th scope="col" class="n">
                    Revenue
                  </th>
                  <th scope="col" class="n">
                    Orders
                  </th>
                </tr>
              </thead>
              <tbody>
                {d.excluded_currencies.map((r) => (
                  <tr key={r.currency}>
                    <th scope="row">{format.currencyName(r.currency)}</th>
                    <td class="n">{format.money(r.revenue, r.currency)}</td>
                    <td class="n">{format.count(r.transactions)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      )}
    </div>
  );
}
