import { useEffect, useState } from "preact/hooks";
import { ask } from "../data/api";
import { BASE } from "../data/route";
import type { Site } from "../data/types";
import { Copy } from "./Copy";
import { Check } from "./Field";

const OPTIONS = [
  { name: "outbound", label: "Outbound links", hint: "clicks that leave the site, as outbound_link" },
  { name: "downloads", label: "Downloads", hint: "clicks on files, as download" },
  { name: "forms", label: "Forms", hint: "form_start and form_submit" },
  { name: "hash", label: "Hash routing", hint: "#/pages are pages of their own" },
] as const;

const attribute = (text: string) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** The line to embed, with its options to choose. */
export function Snippet({ site }: { site: Site }) {
  const [chosen, choose] = useState<string[]>(["outbound", "downloads", "forms"]);
  const options = OPTIONS.filter(({ name }) => chosen.includes(name)).map(({ name }) => ` data-${name}`);
  if (site.settings.cookieless) options.push(" data-cookieless");
  const line = `<script defer src="${attribute(location.origin + BASE)}/t.js" data-site="${site.tracking_id}"${options.join("")}></script>`;
  return (
    <div class="snippet">
      <pre tabIndex={0} aria-label="Tracking snippet">
        <code>{line}</code>
      </pre>
      <Copy text={() => line} label="Copy snippet" />
      <fieldset>
        <legend>Also record</legend>
        {OPTIONS.map(({ name, label, hint }) => (
          <Check
            key={name}
            label={label}
            hint={hint}
            checked={chosen.includes(name)}
            onChange={(on) => choose(on ? [...chosen, name] : chosen.filter((other) => other !== name))}
          />
        ))}
      </fieldset>
    </div>
  );
}

/** Says that nothing has arrived yet, and turns green with the first event. */
export function Waiting({ site, onEvent }: { site: Site; onEvent?: () => void }) {
  const [here, setHere] = useState(site.events_count > 0);
  useEffect(() => {
    if (here) return;
    const look = async () => {
      const now = await ask<Site>(`/api/sites/${site.id}`).catch(() => null);
      if (now && now.events_count > 0) setHere(true);
    };
    const timer = setInterval(look, 1500);
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
      </div>
      {here && onEvent && (
        <button type="button" class="button" onClick={onEvent}>
          Open the dashboard
        </button>
      )}
    </div>
  );
}
