import { useEffect, useRef } from "preact/hooks";
import * as format from "../data/format";
import { LISTED } from "../data/lists";
import { useFreshness } from "../data/fresh";
import { useLoad } from "../data/load";
import { covered, readComparison, readInterval, readRange } from "../data/range";
import { useRoute } from "../data/route";
import { type Scope, useAnswer } from "../data/scope";
import type { Dashboard as Answer, Freshness, Site } from "../data/types";
import { CampaignsTab } from "../panel/CampaignsTab";
import { EngagementTab } from "../panel/EngagementTab";
import { EventsTab } from "../panel/EventsTab";
import { FrictionTab } from "../panel/FrictionTab";
import { All } from "../panel/Lists";
import { Overview } from "../panel/Overview";
import { ReachTab } from "../panel/ReachTab";
import { RevenueTab } from "../panel/RevenueTab";
import { VisitorsTab } from "../panel/VisitorsTab";
import { Chips } from "../part/Chips";
import { Icon } from "../part/Icon";
import { Now } from "../part/Now";
import { Filters, pickRow } from "../part/Pick";
import { RangePicker } from "../part/RangePicker";
import { Segments } from "../part/Segments";
import { Snippet } from "../part/Snippet";
import { Failure } from "../part/State";
import { Top } from "../part/Top";
import { Waiting } from "../part/Waiting";

const TABS = {
  overview: "Overview",
  campaigns: "Campaigns",
  revenue: "Revenue",
  friction: "Friction",
  engagement: "Engagement",
  reach: "Reach",
  events: "Events",
  visitors: "Visitors",
} as const;
type Tab = keyof typeof TABS;

const REPORTS = {
  overview: null,
  campaigns: null,
  revenue: RevenueTab,
  friction: FrictionTab,
  engagement: EngagementTab,
  reach: null,
  events: EventsTab,
  visitors: VisitorsTab,
} as const;

/** Everything about one site. Range, tab and what a tab shows are in the address. */
export function Dashboard({ id }: { id: string }) {
  const { fresh, known, tick, refresh } = useFreshness(id);
  const load = useLoad<Site>(id, () => `/api/sites/${encodeURIComponent(id)}`, tick);
  useEffect(() => {
    document.title = load.data ? `${load.data.name} · Throughline` : "Throughline";
  }, [load.data?.name]);

  return (
    <>
      <Top>{load.data && <SiteName site={load.data} tick={tick} />}</Top>
      <main class="page" id="main">
        {load.error ? (
          <Failure error={load.error} again={load.again} />
        ) : load.data === null ? null : load.data.events_count === 0 ? (
          <Empty site={load.data} begin={() => (refresh(), load.again())} />
        ) : (
          <Counted site={load.data} tick={tick} fresh={fresh} known={known} reload={load.again} />
        )}
      </main>
    </>
  );
}

const SiteName = ({ site, tick }: { site: Site; tick: number }) => (
  <p class="at">
    <strong>{site.name}</strong>
    <a href={`https://${site.domain}/`} target="_blank" rel="noopener noreferrer">
      {site.domain}
      <Icon name="out" />
    </a>
    {site.events_count > 0 && <Now site={site.id} tick={tick} />}
  </p>
);

function Empty({ site, begin }: { site: Site; begin: () => void }) {
  return (
    <section class="panel add-site" aria-labelledby="empty">
      <h1 id="empty">Nothing has been counted yet</h1>
      <p>
        Put this line into the <code>{"<head>"}</code> of every page of {site.domain}. No cookie banner is needed with the cookieless option in the{" "}
        <a href={`/sites/${site.id}/settings#privacy`}>settings</a>.
      </p>
      <Snippet site={site} />
      <Waiting site={site} onEvent={begin} />
      <p class="hinted">
        Have access logs? <code>throughline import access.log --site {site.id}</code> counts what is in them.
      </p>
    </section>
  );
}

interface CountedProps {
  site: Site;
  tick: number;
  fresh: Freshness | null;
  known: boolean;
  shared?: boolean;
  reload: () => void;
}

/** `shared`: without what is only for who signed in, visitors and settings. */
export function Counted({ site, tick, fresh, known, shared, reload }: CountedProps) {
  const { path, query } = useRoute();
  const range = readRange(query);
  const zone = site.settings.timezone;
  const chosen = readComparison(query);
  const uncovered = chosen && fresh?.since && !covered(range, zone, chosen, fresh.since) ? `Nothing was counted before ${format.moment(fresh.since, zone)}` : undefined;
  const compared = known && !uncovered ? chosen : null;
  const wanted = query.get("tab") as Tab;
  const names = (Object.keys(TABS) as Tab[]).filter((name) => !shared || name !== "visitors");
  const tab: Tab = names.includes(wanted) ? wanted : "overview";
  const Report = REPORTS[tab];
  const all = LISTED.find((dimension) => dimension === query.get("all"));
  const filters = query.getAll("filter").filter(Boolean);
  const interval = readInterval(query, range, zone);
  const scope: Scope = { site, range, interval, compared, zone, tick, filters };
  const load = useAnswer<Answer>("dashboard", scope, { interval });
  const before = useAnswer<Answer>("dashboard", scope, { interval }, { previous: true, ask: tab === "overview" && !all });

  // On a phone the row of tabs is wider than the screen.
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [tab]);

  const address = (to: Tab) => {
    const kept = new URLSearchParams();
    for (const name of ["range", "from", "to", "compare", "interval"]) if (query.has(name)) kept.set(name, query.get(name)!);
    for (const filter of filters) kept.append("filter", filter);
    if (to !== "overview") kept.set("tab", to);
    return path + (kept.size ? `?${kept}` : "");
  };

  return (
    <>
      <h1 class="unseen">
        {site.name}: {TABS[tab]}
      </h1>
      <div class="bar-row">
        <nav class="tabs" aria-label="Reports" ref={tabs}>
          {names.map((name) => (
            <a key={name} href={address(name)} aria-current={tab === name ? "page" : undefined}>
              {TABS[name]}
            </a>
          ))}
        </nav>
        {!shared && (
          <a class="tool settings" href={`/sites/${site.id}/settings`} aria-label={`Settings of ${site.name}`} title="Settings">
            <Icon name="settings" />
          </a>
        )}
      </div>
      {(tab !== "visitors" || all) && (
        <div class="bar-row under">
          <RangePicker key={zone} range={range} zone={zone} compared={chosen} uncovered={uncovered}>
            <Segments site={site} filters={filters} onSaved={shared ? undefined : reload} />
          </RangePicker>
          <Fresh at={fresh?.fresh_as_of} busy={load.busy} site={site} shared={shared} />
        </div>
      )}
      <Chips filters={filters} unused={tab === "visitors" && !all ? "Not applied here: this is the list of all visitors." : undefined} />
      <Filters.Provider value={filters}>
        <div onClick={pickRow}>
          {all ? (
            <All key={all} scope={scope} dimension={all} from={TABS[tab]} />
          ) : tab === "overview" ? (
            <Overview scope={scope} load={load} before={before} />
          ) : tab === "reach" ? (
            <ReachTab scope={scope} dashboard={load} />
          ) : tab === "campaigns" ? (
            <CampaignsTab scope={scope} dashboard={load} />
          ) : (
            Report && <Report scope={scope} />
          )}
        </div>
      </Filters.Provider>
    </>
  );
}

/** Up to when everything received is counted, and whose clock the page shows. */
function Fresh({ at, busy, site, shared }: { at: string | null | undefined; busy: boolean; site: Site; shared?: boolean }) {
  const { timezone: zone, hide } = site.settings;
  const behind = at ? Date.now() - Date.parse(at) : Infinity;
  return (
    <p class="fresh" aria-busy={busy}>
      {hide.length > 0 && !shared && (
        <a href={`/sites/${site.id}/settings#hidden`}>{hide.length === 1 ? "1 filter hides sessions" : `${hide.length} filters hide sessions`}</a>
      )}
      {at && (
        <span class={behind > 60_000 ? "late" : ""} title={`Everything received before ${at} is in these numbers. They refresh by themselves.`}>
          <i aria-hidden="true" />
          Fresh as of <time dateTime={at}>{behind > 86_400_000 ? format.moment(at, zone) : format.clock(at, zone)}</time>
        </span>
      )}
      <span title="The site's time zone, set in its settings">{zone.replaceAll("_", " ")}</span>
    </p>
  );
}
