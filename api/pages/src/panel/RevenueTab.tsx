import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { type Scope, useAnswer } from "../data/scope";
import type { Revenue } from "../data/types";
import { Bars } from "../part/Bars";
import { Chart } from "../part/Chart";
import { IntervalPicker } from "../part/Interval";
import { Panel } from "../part/Panel";

/** Revenue over time, by source and by campaign. */
export function RevenueTab({ scope }: { scope: Scope }) {
  const load = useAnswer<Revenue>("revenue", scope, { interval: scope.interval });
  const none = (d: Revenue) =>
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
  const bare = (d: Revenue) => none(d) || (d.by_source.length === 0 && "No transactions in this range.");

  return (
    <div class="panels">
      <Panel
        title="Revenue over time"
        wide
        picture
        load={load}
        definition={DEFINITION.revenue}
        empty={none}
        tools={<IntervalPicker range={scope.range} chosen={scope.interval} />}
        table={(d) => ({
          head: ["period", `revenue ${d.currency ?? ""}`.trim(), "orders"],
          rows: d.revenue_over_time.map((r) => [r.period, r.revenue, r.transactions]),
        })}
      >
        {(d) => (
          <>
            <dl class="totals">
              <div>
                <dt>Revenue</dt>
                <dd>{format.money(d.summary.total_revenue, d.currency)}</dd>
              </div>
              <div>
                <dt>Orders</dt>
                <dd>{format.short(d.summary.total_transactions)}</dd>
              </div>
              <div>
                <dt>Average order</dt>
                <dd>{format.money(d.summary.avg_order_value, d.currency)}</dd>
              </div>
            </dl>
            <Chart
              label={`Revenue over time: ${format.money(d.summary.total_revenue, d.currency)} in ${format.count(d.summary.total_transactions)} orders.`}
              lines={[{ label: "Revenue", values: d.revenue_over_time.map((r) => r.revenue), colour: "--accent", bars: true }]}
              tick={(at) => format.axis(scope.interval, d.revenue_over_time.length).text(d.revenue_over_time[at]?.period ?? "")}
              every={format.axis(scope.interval, d.revenue_over_time.length).every}
              written={format.short}
              hint={(at) => ({
                head: format.period(d.revenue_over_time[at]?.period ?? "", scope.interval, true),
                rows: [
                  { name: "Revenue", value: format.money(d.revenue_over_time[at]?.revenue ?? 0, d.currency), colour: "--accent" },
                  { name: "Orders", value: format.count(d.revenue_over_time[at]?.transactions ?? 0), colour: "--card" },
                ],
              })}
            />
          </>
        )}
      </Panel>
      <Panel
        title="Revenue by source"
        load={load}
        definition={DEFINITION.revenue}
        empty={bare}
        table={(d) => ({ head: ["source", "revenue", "orders"], rows: d.by_source.map((r) => [r.source, r.revenue, r.transactions]) })}
      >
        {(d) => (
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
        table={(d) => ({
          head: ["source", "campaign", "revenue", "orders"],
          rows: d.by_campaign.map((r) => [r.source, r.campaign, r.revenue, r.transactions]),
        })}
      >
        {(d) => (
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
              more: [format.count(r.transactions)],
            }))}
          />
        )}
      </Panel>
      {load.data && load.data.excluded_currencies.length > 0 && (
        <Panel
          title="Other currencies"
          load={load}
          definition={DEFINITION.revenue}
          table={(d) => ({
            head: ["currency", "revenue", "orders"],
            rows: d.excluded_currencies.map((r) => [r.currency, r.revenue, r.transactions]),
          })}
        >
          {(d) => (
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
