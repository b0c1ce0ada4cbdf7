import { useEffect, useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import * as format from "../data/format";
import { REASONS } from "../data/reasons";
import type { Ledger, Site } from "../data/types";

const LOOK_MS = 1500;

/** Says that nothing has been counted yet, what came and was not counted, and turns green with the first event. */
export function Waiting({ site, onEvent }: { site: Site; onEvent?: () => void }) {
  const [here, setHere] = useState(site.events_count > 0);
  const [filtered, setFiltered] = useState<[string, number][]>([]);
  useEffect(() => {
    if (here) return;
    const look = async () => {
      const [now, ledger] = await Promise.all([
        ask<Site>(`/api/sites/${site.id}`).catch(() => null),
        ask<Ledger>(`/api/sites/${site.id}/ledger`).catch(() => null),
      ]);
      if (ledger) setFiltered(Object.entries(ledger.filtered).filter(([, events]) => events > 0));
      if (now && now.events_count > 0) setHere(true);
    };
    void look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [here, site.id]);
  return (
    <div class={here ? "waiting arrived" : "waiting"} role="status">
      <i aria-hidden="true" />
      <div>
        <strong>{here ? "First event received" : "Waiting for the first event"}</strong>
        <p>
          {here
            ? "Throughline is counting. Numbers appear within seconds of each visit."
            : `Put the snippet on ${site.domain} and open a page there. This turns green by itself.`}
        </p>
        {!here &&
          filtered.map(([reason, events]) => (
            <div key={reason} class="came">
              <b>
                {format.count(events)} {events === 1 ? "event" : "events"} came and {events === 1 ? "was" : "were"} not counted
              </b>
              : {reason === "host" ? `sent by a page that is not on ${site.domain} or its subdomains.` : `${(REASONS[reason] ?? reason).toLowerCase()}.`}
              {reason === "host" && <Allow site={site} />}
            </div>
          ))}
      </div>
      {here && onEvent && (
        <button type="button" class="button" onClick={onEvent}>
          Open the dashboard
        </button>
      )}
    </div>
  );
}

/** The host of pages that count from now on; which one it was the ledger does not keep. */
function Allow({ site }: { site: Site }) {
  const [host, setHost] = useState(location.hostname);
  const [said, say] = useState("");
  const allow = async (event: Event) => {
    event.preventDefault();
    try {
      const { settings } = await ask<Site>(`/api/sites/${site.id}`);
      await ask(`/api/sites/${site.id}`, "PATCH", { settings: { hosts: [...new Set([...settings.hosts, host.trim().toLowerCase()])] } });
      say(`Pages on ${host.trim()} count from now on. Open one again.`);
    } catch (refused) {
      say((refused as Refused).message);
    }
  };
  return (
    <form class="row" onSubmit={allow}>
      <label>
        Its host <input required value={host} spellcheck={false} autocapitalize="off" onInput={(event) => setHost(event.currentTarget.value)} />
      </label>
      <button class="button quiet">Allow it</button>
      <span role="status">{said}</span>
    </form>
  );
}
