import { DEFINITION } from "../data/definitions";
import { writeFilter } from "../data/filter";
import * as format from "../data/format";
import type { Loaded } from "../data/load";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useBoth } from "../data/scope";
import type { Dashboard, Friction, Revenue } from "../data/types";
import { Delta } from "../part/Delta";
import { Panel } from "../part/Panel";
import { Totals } from "../part/Totals";
import { type Column, Tree } from "../part/Tree";
import { earlierOf, totalOf } from "./friction";
import { type Line, withSource } from "./FrictionTab";

const ORDERS = "orders";
const FEW = 25; // campaigns that are all shown at once

/** What one period says, by source and campaign. */
interface Told {
  sessions: Friction;
  converted: Friction | null;
  revenue: Revenue | null;
}

/** Sessions → conversions → revenue → revenue per session, by source and campaign. */
export function CampaignsTab({ scope, dashboard }: { scope: Scope; dashboard: Loaded<Dashboard> }) {
  const { goals, revenue: setting } = scope.site.settings;
  const choices = [
    ...(setting ? [[ORDERS, "Orders"]] : []),
    ...goals.map(({ name }) => [writeFilter({ dimension: "goal", operator: "==", values: [name] }), `Goal: ${name}`]),
    ...(dashboard.data?.top_events ?? []).map(({ type }) => [writeFilter({ dimension: "event", operator: "==", values: [type] }), `Event: ${type}`]),
  ] as [string, string][];
  const wanted = useRoute().query.get("conversion") ?? choices[0]?.[0] ?? "";
  const filtered = wanted !== ORDERS && wanted !== "";
  const sessions = useBoth<Friction>("friction", scope);
  const converted = useBoth<Friction>("friction", { ...scope, filters: [...scope.filters, wanted] }, {}, { ask: filtered });
  const revenue = useBoth<Revenue>("revenue", scope, {}, { ask: setting !== null });

  const of = (when: "now" | "before"): Told | null => {
    const [one, two, three] = [sessions.data?.[when], converted.data?.[when], revenue.data?.[when]];
    return one && (!filtered || two) && (!setting || three) ? { sessions: one, converted: filtered ? two! : null, revenue: setting ? three! : null } : null;
  };
  const now = of("now");
  const load: Loaded<{ now: Told; before: Told | null }> = {
    data: now && { now, before: of("before") },
    error: sessions.error ?? (filtered ? converted.error : null) ?? (setting ? revenue.error : null),
    busy: sessions.busy || (filtered && converted.busy) || (setting !== null && revenue.busy),
    again: () => [sessions, converted, revenue].forEach(({ again }) => again()),
  };
  const currency = setting?.currency ?? null;
  const numbers = numbersOf(currency);

  return (
    <div class="panels">
      <Panel
        title="Campaigns"
        wide
        load={load}
        definition={DEFINITION.campaigns}
        lines={14}
        tools={
          choices.length > 0 && (
            <select class="interval" aria-label="Conversion" value={wanted} onChange={({ currentTarget }) => go(withQuery({ conversion: currentTarget.value }))}>
              {choices.map(([key, name]) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
            </select>
          )
        }
        table={(told) => {
          const ask = reader(told.now);
          return {
            head: ["source", "campaign", ...numbers.map(({ key }) => key)],
            rows: withSource(told.now.sessions).flatMap((source) => source.campaigns.map((row) => [row.source, row.key, ...numbers.map(({ of }) => of(ask(row)))])),
          };
        }}
        empty={({ now: { sessions } }) => sessions.sources.length === 0 && "No sessions in this range."}
      >
        {(told) => {
          const rows = withSource(told.now.sessions);
          const [ask, then] = [reader(told.now), told.before && reader(told.before)];
          const columns: Column<Line>[] = numbers.map(({ head, of, written }) => ({
            head,
            cell: (row) => (
              <>
                {format.given(ask(row).sessions, written(of(ask(row))))}
                {scope.compared && (
                  <small>
                    <Delta now={of(ask(row))} before={then && of(then(row))} written={written} />
                  </small>
                )}
              </>
            ),
          }));
          const all = sumOf(told.now);
          const before = told.before && sumOf(told.before);
          const few = rows.reduce((sum, { campaigns }) => sum + campaigns.length, 0) <= FEW;
          return (
            <>
              <Totals
                compared={scope.compared !== null}
                totals={numbers.map(({ head, of, written }) => ({ name: head, now: of(all), before: before ? of(before) : undefined, written }))}
              />
              <Tree
                caption="Sessions, conversions and revenue by source and campaign"
                rows={rows}
                columns={columns}
                open={rows.filter(({ campaigns }) => few && campaigns.some(({ key }) => key !== "(none)")).map(({ key }) => key)}
              />
            </>
          );
        }}
      </Panel>
    </div>
  );
}

interface Counted {
  sessions: number;
  conversions: number;
  revenue: number;
}

const per = (a: number, b: number) => (b ? a / b : 0);

const numbersOf = (currency: string | null) => [
  { key: "sessions", head: "Sessions", of: (row: Counted) => row.sessions, written: format.count },
  { key: "conversions", head: "Conversions", of: (row: Counted) => row.conversions, written: format.count },
  { key: "conversion %", head: "Conversion rate", of: (row: Counted) => per(100 * row.conversions, row.sessions), written: format.percent },
  ...(currency
    ? [
        { key: `revenue ${currency}`, head: "Revenue", of: (row: Counted) => row.revenue, written: (n: number) => format.money(n, currency) },
        {
          key: `revenue per session ${currency}`,
          head: "Revenue per session",
          of: (row: Counted) => per(row.revenue, row.sessions),
          written: (n: number) => format.money(n, currency),
        },
      ]
    : []),
];

function sumOf({ sessions, converted, revenue }: Told): Counted {
  const { total_revenue = 0, total_transactions = 0 } = revenue?.summary ?? {};
  return { sessions: totalOf(sessions).total, conversions: converted ? totalOf(converted).total : total_transactions, revenue: total_revenue };
}

/** The numbers of a source's or a campaign's row. */
function reader({ sessions, converted, revenue }: Told): (row: Line) => Counted {
  const [count, converts] = [earlierOf(sessions), earlierOf(converted)];
  const sales = new Map<string, { revenue: number; transactions: number }>();
  for (const { source, campaign, ...sale } of revenue?.by_campaign ?? []) sales.set(`${source}\n${campaign}`, sale);
  for (const { source, ...sale } of revenue?.by_source ?? []) sales.set(source, sale);
  return (row) => {
    const sale = sales.get(row.campaigns ? row.source : `${row.source}\n${row.key}`);
    return { sessions: count(row) ?? 0, conversions: converted ? (converts(row) ?? 0) : (sale?.transactions ?? 0), revenue: sale?.revenue ?? 0 };
  };
}
