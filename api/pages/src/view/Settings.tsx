import { useEffect, useState } from "preact/hooks";
import { useLoad } from "../data/load";
import type { Role, Site } from "../data/types";
import { Snippet } from "../part/Snippet";
import { Failure, Skeleton } from "../part/State";
import { Top } from "../part/Top";
import { Keys } from "./Keys";
import { Received } from "./Received";
import { useMe } from "../data/access";
import { Delete } from "./settings/Delete";
import { Excluded } from "./settings/Excluded";
import { FrictionSection } from "./settings/Friction";
import { General } from "./settings/General";
import { Goals } from "./settings/Goals";
import { Hidden } from "./settings/Hidden";
import { Hosts } from "./settings/Hosts";
import { Kept } from "./settings/Kept";
import { Links } from "./settings/Links";
import { Members } from "./settings/Members";
import { Pairs } from "./settings/Pairs";
import { Privacy } from "./settings/Privacy";
import { RevenueSection } from "./settings/Revenue";
import type { SheetProps } from "./settings/Section";

const SECTIONS = [
  ["general", "General"],
  ["snippet", "Tracking snippet"],
  ["received", "Received"],
  ["privacy", "Privacy"],
  ["kept", "Kept data"],
  ["hosts", "Allowed hosts"],
  ["referrers", "Ignored referrers"],
  ["goals", "Goals"],
  ["hidden", "Hidden sessions"],
  ["excluded", "Excluded events"],
  ["revenue", "Revenue"],
  ["friction", "Friction"],
  ["pairs", "Started and finished"],
  ["members", "Members"],
  ["links", "Share links"],
  ["keys", "API keys"],
  ["delete", "Delete"],
] as const;

const OWNERS: readonly string[] = ["members", "delete"];

export function Settings({ id }: { id: string }) {
  const load = useLoad<Site>(id, () => `/api/sites/${encodeURIComponent(id)}`, 0);
  const [saved, setSaved] = useState<Site | null>(null);
  const site = saved ?? load.data;
  const role = useMe().role(id);
  const sections = SECTIONS.filter(([key]) => (OWNERS.includes(key) ? role === "owner" : key !== "links" || (role && role !== "viewer")));
  useEffect(() => {
    document.title = site ? `Settings of ${site.name} · Throughline` : "Throughline";
    if (site && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [site?.id]);

  return (
    <>
      <Top>
        {site && (
          <p class="at">
            <a href={`/sites/${site.id}`}>
              <strong>{site.name}</strong>
            </a>
            <span>Settings</span>
          </p>
        )}
      </Top>
      <main class="page settings-page" id="main">
        <h1 class="unseen">Settings</h1>
        <nav class="sections" aria-label="Settings">
          {sections.map(([key, name]) => (
            <a key={key} href={`#${key}`}>
              {name}
            </a>
          ))}
        </nav>
        <div class="sheet">
          {load.error ? <Failure error={load.error} again={load.again} /> : site ? <Sheet site={site} role={role} onSaved={setSaved} /> : <Skeleton lines={12} />}
        </div>
      </main>
    </>
  );
}

function Sheet({ role, ...props }: SheetProps & { role: Role | null }) {
  const { site } = props;
  return (
    <>
      {role === "viewer" && <p class="warned">You are a viewer of this site: what is here can be read, not changed.</p>}
      <General {...props} />
      <section class="panel" id="snippet" aria-labelledby="snippet-head">
        <h2 id="snippet-head">Tracking snippet</h2>
        <p class="hinted">
          Into the <code>{"<head>"}</code> of every page. Tracking id: <code>{site.tracking_id}</code>
        </p>
        <Snippet site={site} />
      </section>
      <Received site={site} />
      <Privacy {...props} />
      <Kept {...props} />
      <Hosts
        {...props}
        id="hosts"
        setting="hosts"
        title="Allowed hosts"
        label="Hosts"
        example="shop.example.org"
        hint={
          <>
            Hosts whose pages count besides {site.domain} and its subdomains, one a line. <code>*</code> allows every host.
          </>
        }
      />
      <Hosts
        {...props}
        id="referrers"
        setting="ignored_referrers"
        title="Ignored referrers"
        label="Hosts of referrers"
        example="pay.example.org"
        hint="Hosts from which a visit counts as direct, their subdomains included, one a line: where people pay or sign in on their way. The usual ones are known. Applies from now on."
      />
      <Goals {...props} />
      <Hidden {...props} />
      <Excluded {...props} />
      <RevenueSection {...props} />
      <FrictionSection {...props} />
      <Pairs {...props} />
      {role === "owner" && <Members site={site.id} />}
      {role && role !== "viewer" && <Links site={site.id} />}
      <Keys />
      {role === "owner" && <Delete site={site} />}
    </>
  );
}
