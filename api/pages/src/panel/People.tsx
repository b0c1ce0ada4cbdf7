import { useState } from "preact/hooks";
import { analytics } from "../data/api";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import { go, useRoute, withQuery } from "../data/route";
import type { Scope } from "../data/scope";
import type { Visitors } from "../data/types";
import { Icon } from "../part/Icon";
import { Pager } from "../part/Pager";
import { Panel } from "../part/Panel";

/** All visitors, or whom one searches. */
export function People({ scope }: { scope: Scope }) {
  const { query } = useRoute();
  const page = Math.max(1, Number(query.get("page")) || 1);
  const search = query.get("search") ?? "";
  const load = useLoad<Visitors>(`visitors ${page} ${search}`, () => analytics(scope.site.id, "visitors", { page, search }), scope.tick);
  const last = load.data ? Math.max(1, Math.ceil(load.data.total / load.data.per_page)) : 1;
  return (
    <>
      <Search key={search} search={search} />
      <div class="panels">
        <Panel
          title="Visitors"
          wide
          load={load}
          definition={DEFINITION.visitors}
          lines={12}
          table={({ visitors }) => ({
            head: ["visitor", "first seen", "last seen", "sessions", "events", "country", "device", "source"],
            rows: visitors.map((v) => [v.id, v.first_seen, v.last_seen, v.sessions_count, v.events_count, v.country, v.device, v.source]),
          })}
          empty={({ total }) => total === 0 && (search ? <Nobody search={search} scope={scope} /> : "No visitors yet.")}
        >
          {({ visitors, total }) => (
            <>
              <div class="scroller" tabIndex={0} role="region" aria-label="Visitors">
                <table class="plain">
                  <caption class="unseen">Visitors, most recently seen first</caption>
                  <thead>
                    <tr>
                      <th scope="col">Visitor</th>
                      <th scope="col">Last seen</th>
                      <th scope="col">First seen</th>
                      <th scope="col">Source</th>
                      <th scope="col">Country</th>
                      <th scope="col">Device</th>
                      <th scope="col" class="n">
                        Sessions
                      </th>
                      <th scope="col" class="n">
                        Events
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {visitors.map((v) => (
                      <tr key={v.id}>
                        <th scope="row">
                          <a class="code" href={withQuery({ visitor: v.id })} title={v.id}>
                            {format.visitor(v.id)}
                          </a>
                        </th>
                        <td>{format.moment(v.last_seen, scope.zone)}</td>
                        <td>{format.moment(v.first_seen, scope.zone)}</td>
                        <td>{format.source(v.source)}</td>
                        <td>{format.country(v.country)}</td>
                        <td>{v.device}</td>
                        <td class="n">{format.count(v.sessions_count)}</td>
                        <td class="n">{format.count(v.events_count)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager page={page} last={last} total={total} one="visitor" many="visitors" at="page" back="Newer" on="Older" />
            </>
          )}
        </Panel>
      </div>
    </>
  );
}

function Search({ search }: { search: string }) {
  const [typed, type] = useState(search);
  const find = (text: string) => go(withQuery({ search: text.trim() || null, page: null }));
  return (
    <form
      class="filter"
      role="search"
      aria-label="Visitor"
      onSubmit={(event) => {
        event.preventDefault();
        find(typed);
      }}
    >
      <label>
        Visitor
        <input
          type="text"
          placeholder="Id from your site, or from here"
          value={typed}
          maxLength={128}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="none"
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <button class="button quiet">Find</button>
      {search && (
        <button type="button" class="button quiet" onClick={() => find("")}>
          <Icon name="close" />
          All visitors
        </button>
      )}
    </form>
  );
}

function Nobody({ search, scope }: { search: string; scope: Scope }) {
  return (
    <>
      No visitor is called <bdi>“{search}”</bdi>.{" "}
      {scope.site.settings.cookieless ? "This site is cookieless: ids that it passes are not used." : "Ids are compared as they were passed, letter by letter."}
    </>
  );
}
