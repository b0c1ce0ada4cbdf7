import { useState } from "preact/hooks";
import { ask } from "../data/api";
import { useChanges } from "../data/changes";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import type { ApiKey, ListedSite, NewKey } from "../data/types";
import { Choice } from "../part/Choice";
import { Field } from "../part/Field";
import { Icon } from "../part/Icon";
import { Listed } from "../part/Listed";
import { Once } from "../part/Once";
import { Sure } from "../part/Sure";

const SCOPES = [
  ["manage", "Manage: reads and changes"],
  ["read", "Read"],
  ["ingest", "Ingest: posts events for others"],
] as const;

/** The account's API keys: named, masked, made, shown once, revoked. */
export function Keys() {
  const { tick, error, busy, change } = useChanges();
  const load = useLoad<ApiKey[]>("keys", () => "/api/keys", tick);
  const sites = useLoad<ListedSite[]>("sites of keys", () => "/api/sites", 0);
  const [made, setMade] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [scope, setScope] = useState("manage");
  const [site, setSite] = useState("");
  const named = (id: string | null) => (id === null ? "All" : (sites.data?.find((each) => each.id === id)?.name ?? id));

  const create = async (event: Event) => {
    event.preventDefault();
    const asked = { name, scope, ...(site && { site }) };
    if (await change(async () => setMade((await ask<NewKey>("/api/keys", "POST", asked)).key))) setName("");
  };

  return (
    <section class="panel" id="keys" aria-labelledby="keys-head">
      <h2 id="keys-head">API keys</h2>
      <p class="hinted">
        Of your account, for programs, as <code>Authorization: Bearer sk_…</code>. <a href="/api/docs">What the API answers</a>
      </p>
      {made && <Once text={made} what="key" name="API key" />}
      <Listed
        load={load}
        caption="API keys of this account"
        columns={["Key", "Name", "Scope", "Site", "Created", "Last used"]}
        none="No keys yet."
        row={(key) => [
          <code>{key.masked}</code>,
          key.name,
          key.scope,
          named(key.site),
          format.moment(key.created_at, Intl.DateTimeFormat().resolvedOptions().timeZone),
          key.last_used_at ?? "never",
          <Sure act="Revoke" to={key.masked} warning="Programs that use it stop working." onSure={() => change(() => ask(`/api/keys/${key.id}`, "DELETE"))} />,
        ]}
      />
      <form class="row access" onSubmit={create}>
        <Field label="Name" value={name} maxLength={100} autocomplete="off" onText={setName} />
        <Choice label="Scope" value={scope} options={[...SCOPES]} onChoice={setScope} />
        <Choice label="Site" value={site} options={[["", "All"], ...(sites.data ?? []).map((each) => [each.id, each.name] as const)]} onChoice={setSite} />
        <button class="button quiet" disabled={busy}>
          <Icon name="plus" />
          Create a key
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
