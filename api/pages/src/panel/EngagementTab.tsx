import { useEffect, useState } from "preact/hooks";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useAnswer, useBoth } from "../data/scope";
import { type EngagementFunnel, MILESTONES, type ScrollDepth } from "../data/types";
import { Icon } from "../part/Icon";
import { Panel } from "../part/Panel";
import { Pick } from "../part/Pick";
import { PageFlow } from "./PageFlow";
import { Points } from "../part/Stack";
import { Steps } from "../part/Steps";

const STEP_NAME = { view: "Viewed", "25": "25%", "50": "50%", "75": "75%", "100": "To the end" } as const;

const [FIRST, MOST] = [20, 100]; // pages that are listed

/** How far people read: per pageview by page, and per session as a funnel. */
export function EngagementTab({ scope }: { scope: Scope }) {
  const url = useRoute().query.get("url") ?? undefined;
  const [limit, setLimit] = useState(FIRST);
  const [typed, type] = useState(url ?? "");
  useEffect(() => type(url ?? ""), [url]);
  const funnel = useBoth<EngagementFunnel>("engagement-funnel", scope, { url });
  const depth = useAnswer<ScrollDepth>("scroll-depth", scope, url ? { url } : { limit });
  const choose = (page: string) => go(withQuery({ url: page || null }));

  return (
    <>
      <form
        class="filter"
        role="search"
        aria-label="Page"
        onSubmit={(event) => {
          event.preventDefault();
          choose(typed.trim());
        }}
      >
        <label>
          Page
          <input
            type="text"
            placeholder="Any page"
            value={typed}
            list="known-pages"
            spellcheck={false}
            onInput={(event) => type(event.currentTarget.value)}
            onChange={(event) => choose(event.currentTarget.value.trim())}
          />
        </label>
        <datalist id="known-pages">
          {depth.data?.pages.map(({ page }) => (
            <option key={page} value={page} />
          ))}
        </datalist>
        {url && (
          <button type="button" class="button quiet" onClick={() => choose("")}>
            <Icon name="close" />
            All pages
          </button>
        )}
      </form>
      <div class="panels">
        {url && <PageFlow scope={scope} url={url} />}
        <Panel
          title={url ? `How far sessions read ${format.page(url)}` : "How far sessions read"}
          wide
          load={funnel}
          definition={DEFINITION.engagement}
          table={({ now: { steps } }) => ({
            head: ["step", "sessions", "% of views", "drop-off %"],
            rows: steps.map((s) => [s.step, s.sessions, s.pct, s.dropoff_pct]),
          })}
          empty={({ now }) => now.sessions === 0 && "No session viewed this in the range."}
        >
          {({ now: { steps }, before }) => (
            <Steps
              caption="Sessions by depth reached"
              steps={steps.map((s, at) => ({
                change: before && <Points now={s.pct} before={before.steps[at]?.pct ?? 0} />,
                name: STEP_NAME[s.step],
                sessions: s.sessions,
                pct: s.pct,
                lost: at === 0 ? null : `${format.percent(s.dropoff_pct)} left`,
              }))}
            />
          )}
        </Panel>
        <Panel
          title="Scroll depth by page"
          wide
          load={depth}
          definition={DEFINITION.depth}
          lines={10}
          table={({ pages }) => ({
            head: ["page", "views", "reported", ...MILESTONES.map((m) => `${m} %`), "average depth"],
            rows: pages.map((p) => [p.page, p.views, p.reported, ...MILESTONES.map((m) => p.depth[m]), p.avg_depth]),
          })}
          empty={({ pages }) => pages.length === 0 && "No pageviews in this range."}
        >
          {({ pages }) => (
            <>
              <div class="scroller" tabIndex={0} role="region" aria-label="Scroll depth by page">
                <table class="depth">
                  <caption class="unseen">Share of pageviews that reached each depth</caption>
                  <thead>
                    <tr>
                      <th scope="col">Page</th>
                      {MILESTONES.map((m) => (
                        <th key={m} scope="col" class="n">
                          {m}%
                        </th>
                      ))}
                      <th scope="col" class="n">
                        Average
                      </th>
                      <th scope="col" class="n">
                        Views
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {pages.map((p) => (
                      <tr key={p.page}>
                        <th scope="row">
                          <div class="opened">
                            <Pick of={{ page: p.page }} title={p.page}>
                              <bdi>{format.page(p.page)}</bdi>
                            </Pick>
                            <a class="tool" href={withQuery({ url: p.page })} aria-label={`Where people go from ${format.page(p.page)}`} title="Where people go from it">
                              <Icon name="chart" />
                            </a>
                          </div>
                        </th>
                        {MILESTONES.map((m) => (
                          <td key={m} class="n heat" title={`${format.count(p.depth[m])} of ${format.count(p.reported)} views`}>
                            <i style={{ opacity: String((p.depth_pct[m] / 100) * 0.3) }} />
                            <span>{format.given(p.reported, format.percent(p.depth_pct[m]))}</span>
                          </td>
                        ))}
                        <td class="n">{format.given(p.reported, format.percent(p.avg_depth))}</td>
                        <td class="n" title={`${format.count(p.reported)} reported a depth`}>
                          {format.count(p.views)}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {pages.length >= limit && <p class="hinted more-rows">The {format.count(limit)} most viewed pages.</p>}
              {pages.length >= limit && limit < MOST && (
                <button type="button" class="link" onClick={() => setLimit(MOST)}>
                  Show {format.count(MOST)}
                </button>
              )}
            </>
          )}
        </Panel>
      </div>
    </>
  );
}
