import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import * as format from "../data/format";
import { useLoad, useTick } from "../data/load";
import { go, useRoute, withQuery } from "../data/route";
import type { ListedSite, Site } from "../data/types";
import { Field } from "../part/Field";
import { Icon } from "../part/Icon";
import { Snippet } from "../part/Snippet";
import { Spark } from "../part/Spark";
import { Failure } from "../part/State";
import { Top } from "../part/Top";
import { Waiting } from "../part/Waiting";

const COUNTS = [
  ["visitors_count", "Visitors"],
  ["sessions_count", "Sessions"],
  ["events_count", "Events"],
] as const;

export function Sites() {
  const adding = useRoute().query.has("add");
  const [tick] = useTick(30);
  const load = useLoad<ListedSite[]>(`sites ${adding}`, () => "/api/sites", tick);
  useEffect(() => {
    document.title = "Sites · Throughline";
  }, []);

  return (
    <>
      <Top />
      <main class="page" id="main">
        <div class="title">
          <h1>Sites</h1>
          {!adding && (
            <a class="button" href={withQuery({ add: "" })}>
              <Icon name="plus" />
              Add a site
            </a>
          )}
        </div>
        {adding && <Add />}
        {load.error ? (
          <Failure error={load.error} again={load.again} />
        ) : load.data === null ? (
          <div class="cards" aria-busy="true">
            {[0, 1, 2].map((card) => (
              <div key={card} class="site-card blank" />
            ))}
          </div>
        ) : load.data.length === 0 && !adding ? (
          <div class="panel nothing welcome">
            <h2>Count your first site</h2>
            <p>Add it by name and domain, put one line on its pages, and watch the first visit arrive.</p>
            <a class="button" href="/sites?add">
              <Icon name="plus" />
              Add a site
            </a>
          </div>
        ) : (
          <ul class="cards">
            {load.data.map((site) => (
              <li key={site.id} class="site-card">
                <h2>
                  <a href={`/sites/${site.id}`}>{site.name}</a>
                </h2>
                <p class="domain">{site.domain}</p>
                {site.events_count ? (
                  <Spark values={site.sparkline} label={`Sessions of the last seven days: ${site.sparkline.join(", ")}`} />
                ) : (
                  <p class="spark unused">Waiting for the first event</p>
                )}
                <dl>
                  {COUNTS.map(([key, name]) => (
                    <div key={key}>
                      <dt>{name}</dt>
                      <dd title={format.count(site[key])}>{format.short(site[key])}</dd>
                    </div>
                  ))}
                </dl>
              </li>
            ))}
          </ul>
        )}
      </main>
    </>
  );
}

/** Name and domain, then the snippet and the wait for the first event. */
function Add() {
  const [name, setName] = useState("");
  const [domain, setDomain] = useState("");
  const [error, setError] = useState<Refused | null>(null);
  const [made, setMade] = useState<Site | null>(null);
  const [busy, setBusy] = useState(false);
  const head = useRef<HTMLHeadingElement>(null);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => (made ? head.current : form.current?.querySelector("input"))?.focus(), [made]);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const site = await ask<Site>("/api/sites", "POST", { name, domain });
      // Its days are those of whoever adds it, until the settings say otherwise.
      const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      setMade(await ask<Site>(`/api/sites/${site.id}`, "PATCH", { settings: { timezone } }).catch(() => site));
    } catch (refused) {
      setError(refused as Refused);
    }
    setBusy(false);
  };
  const about = (field: string) => (error?.param === field || (field === "domain" && error?.status === 409) ? error!.message : null);

  if (made)
    return (
      <section class="panel add-site" aria-labelledby="added">
        <h2 id="added" tabIndex={-1} ref={head}>
          {made.name} is ready to be counted
        </h2>
        <p>
          Put this line into the <code>{"<head>"}</code> of every page of {made.domain}.
        </p>
        <Snippet site={made} />
        <Waiting site={made} onEvent={() => go(`/sites/${made.id}?range=today`)} />
        <a class="link" href="/sites">
          Back to all sites
        </a>
      </section>
    );
  return (
    <section class="panel add-site" aria-labelledby="add">
      <h2 id="add">Add a site</h2>
      <form ref={form} onSubmit={submit}>
        <Field label="Name" name="name" required maxLength={64} value={name} onText={setName} error={about("name")} />
        <Field
          label="Domain"
          name="domain"
          required
          placeholder="example.com"
          hint="Its subdomains are counted too."
          autocapitalize="off"
          spellcheck={false}
          value={domain}
          onText={setDomain}
          error={about("domain")}
        />
        {error && !about("name") && !about("domain") && (
          <p class="wrong" role="alert">
            {error.message}
          </p>
        )}
        <div class="row">
          <button class="button" disabled={busy}>
            Add the site
          </button>
          <a class="button quiet" href="/sites">
            Cancel
          </a>
        </div>
      </form>
    </section>
  );
}
