import { useState } from "preact/hooks";
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

const LOOPBACK = /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/;

const attribute = (text: string) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** The line to embed, with its options to choose. */
export function Snippet({ site }: { site: Site }) {
  const [chosen, choose] = useState<string[]>(["outbound", "downloads", "forms"]);
  const options = OPTIONS.filter(({ name }) => chosen.includes(name)).map(({ name }) => ` data-${name}`);
  if (site.settings.cookieless) options.push(" data-cookieless");
  const line = `<script defer src="${attribute(location.origin + BASE)}/t.js" data-site="${site.tracking_id}"${options.join("")}></script>`;
  return (
    <div class="snippet">
      {LOOPBACK.test(location.hostname) && (
        <p class="warned" role="note">
          <b>{location.hostname}</b> is this machine alone: no visitor’s browser can load the script from there. Open this page at its public address and copy the
          line from there.
        </p>
      )}
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
