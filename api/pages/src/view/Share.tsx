import { useEffect, useState } from "preact/hooks";
import { ask, askAs, type Refused } from "../data/api";
import { useFreshness } from "../data/fresh";
import type { Shared, Site } from "../data/types";
import { Field } from "../part/Field";
import { Now } from "../part/Now";
import { Mark } from "../part/Top";
import { Counted } from "./Dashboard";

/** What a share link shows: the dashboard of its site, asked for without the session's cookie. */
export function Share({ token }: { token: string }) {
  const [opened, setOpened] = useState<Shared | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(true);

  const open = async (body: object) => {
    setBusy(true);
    try {
      const found = await ask<Shared>(`/api/share/${encodeURIComponent(token)}`, "POST", body);
      askAs(found.access);
      document.title = found.site.name;
      setOpened(found);
    } catch (refused) {
      setError(refused as Refused);
    }
    setBusy(false);
  };
  useEffect(() => {
    document.title = "Throughline";
    open({});
  }, []);

  if (opened) return <Opened {...opened} />;
  if (!error) return <main class="login" id="main" aria-busy="true" />;
  const submit = (event: Event) => {
    event.preventDefault();
    open({ password });
  };
  return (
    <main class="login" id="main">
      {error.status === 404 ? (
        <div class="access">
          <Mark />
          <h1>This link leads nowhere</h1>
          <p role="alert">It was revoked, or is not complete.</p>
        </div>
      ) : error.param === "password" || error.status === 429 ? (
        <form onSubmit={submit}>
          <Mark />
          <h1>This dashboard has a password</h1>
          <Field
            label="Password"
            secret
            name="password"
            autocomplete="off"
            required
            value={password}
            onText={setPassword}
            error={error.status === 429 ? `Too many tries. Try again in ${error.retryAfter || 60} seconds.` : password ? error.message : null}
          />
          <button class="button" disabled={busy}>
            Open
          </button>
        </form>
      ) : (
        <div class="access">
          <Mark />
          <h1>This cannot be opened now</h1>
          <p role="alert">{error.message}</p>
          <button type="button" class="button" disabled={busy} onClick={() => open({})}>
            Try again
          </button>
        </div>
      )}
    </main>
  );
}

function Opened({ site: known }: Shared) {
  const { fresh, known: told, tick, refresh } = useFreshness(known.id);
  const site = shown(known);
  return (
    <>
      <header class="top">
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <div class="inner">
          <Mark />
          <p class="at">
            <strong>{site.name}</strong>
            <span>{site.domain}</span>
            <Now site={site.id} tick={tick} />
          </p>
        </div>
      </header>
      <main class="page" id="main">
        <Counted site={site} tick={tick} fresh={fresh} known={told} shared reload={refresh} />
      </main>
    </>
  );
}

/** The site with as much of its settings as whoever has a link may know. */
const shown = ({ timezone, currency, goals, ...site }: Shared["site"]): Site => ({
  ...site,
  tracking_id: "",
  visitors_count: 0,
  sessions_count: 0,
  events_count: 0,
  settings: {
    timezone,
    cookieless: false,
    hosts: [],
    ignored_referrers: [],
    revenue: currency === null ? null : { currency, type: null, trusted: false },
    friction: { bouncer_seconds: 10, skimmer_seconds_per_page: 15, engaged_pageviews: 3, engaged_seconds: 30, deep_seconds: 60, deep_percent: 50 },
    pairs: [],
    goals: Array.from({ length: goals }, (_, at) => ({ name: `${at}`, page: "/" })),
    retention: { events_months: null, sessions_months: null },
    exclude: { addresses: [], countries: [], pages: [] },
    hide: [],
    segments: [],
  },
});
