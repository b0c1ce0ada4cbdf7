import { useState } from "preact/hooks";
import type { NewLink, ShareLink } from "../../data/types";
import { ask } from "../../data/api";
import { useChanges } from "../../data/changes";
import * as format from "../../data/format";
import { useLoad } from "../../data/load";
import { Check, Field } from "../../part/Field";
import { Icon } from "../../part/Icon";
import { Listed } from "../../part/Listed";
import { Once } from "../../part/Once";
import { Sure } from "../../part/Sure";

/** Links that show the dashboard to whoever has them. */
export function Links({ site }: { site: string }) {
  const path = `/api/sites/${site}/links`;
  const { tick, error, busy, change } = useChanges();
  const load = useLoad<ShareLink[]>(path, () => path, tick);
  const [made, setMade] = useState<{ url: string; embed: boolean } | null>(null);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [embed, setEmbed] = useState(false);

  const create = async (event: Event) => {
    event.preventDefault();
    const asked = { name, embed, ...(password && { password }) };
    if (await change(async () => setMade(await ask<NewLink>(path, "POST", asked)))) {
      setName("");
      setPassword("");
    }
  };

  return (
    <section class="panel" id="links" aria-labelledby="links-head">
      <h2 id="links-head">Share links</h2>
      <p class="hinted">Whoever has one sees this dashboard, without visitors and settings, and changes nothing.</p>
      {made && <Once text={made.embed ? `<iframe src="${made.url}" title="Web analytics" width="100%" height="1600"></iframe>` : made.url} what="link" />}
      <Listed
        load={load}
        caption="Share links of this site"
        columns={["Name", "Password", "Frames", "Created", "By"]}
        none="No links yet."
        row={(link) => [
          link.name,
          link.password ? "yes" : "no",
          link.embed ? "allowed" : "no",
          format.moment(link.created_at, Intl.DateTimeFormat().resolvedOptions().timeZone),
          link.made_by ?? "–",
          <Sure act="Revoke" to={link.name} warning="It stops working at once." onSure={() => change(() => ask(`${path}/${link.id}`, "DELETE"))} />,
        ]}
      />
      <form class="access" onSubmit={create}>
        <div class="row access">
          <Field label="Name" required value={name} maxLength={100} autocomplete="off" onText={setName} />
          <Field label="Password (optional)" secret autocomplete="new-password" value={password} onText={setPassword} />
        </div>
        <Check label="Pages of other sites may show it in a frame" checked={embed} onChange={setEmbed} />
        <button class="button quiet" disabled={busy}>
          <Icon name="plus" />
          Create a link
        </button>
      </form>
      {error && (
        <p class="wrong" role="alert">
          {error.message}
        </p>
      )}
    </section>
  );
}
