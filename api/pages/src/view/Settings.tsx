import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type Refused } from "../data/api";
import * as format from "../data/format";
import { useLoad } from "../data/load";
import { go } from "../data/route";
import type { Settings as All, Site, Thresholds } from "../data/types";
import { Check, Field } from "../part/Field";
import { Icon } from "../part/Icon";
import { Snippet } from "../part/Snippet";
import { Failure, Skeleton } from "../part/State";
import { Top } from "../part/Top";
import { Keys } from "./Keys";
import { Received } from "./Received";

const SECTIONS = [
  ["general", "General"],
  ["snippet", "Tracking snippet"],
  ["received", "Received"],
  ["privacy", "Privacy"],
  ["hosts", "Allowed hosts"],
  ["referrers", "Ignored referrers"],
  ["revenue", "Revenue"],
  ["friction", "Friction"],
  ["pairs", "Started and finished"],
  ["keys", "API keys"],
  ["delete", "Delete"],
] as const;

export function Settings({ id }: { id: string }) {
  const load = useLoad<Site>(id, () => `/api/sites/${encodeURIComponent(id)}`, 0);
  const [saved, setSaved] = useState<Site | null>(null);
  const site = saved ?? load.data;
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
          {SECTIONS.map(([key, name]) => (
            <a key={key} href={`#${key}`}>
              {name}
            </a>
          ))}
        </nav>
        <div class="sheet">
          {load.error ? <Failure error={load.error} again={load.again} /> : site ? <Sheet site={site} onSaved={setSaved} /> : <Skeleton lines={12} />}
        </div>
      </main>
    </>
  );
}

interface SheetProps {
  site: Site;
  onSaved: (site: Site) => void;
}

function Sheet(props: SheetProps) {
  const { site } = props;
  return (
    <>
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
      <RevenueSection {...props} />
      <FrictionSection {...props} />
      <Pairs {...props} />
      <Keys />
      <Delete site={site} />
    </>
  );
}

interface SectionProps extends SheetProps {
  id: string;
  title: string;
  hint?: ComponentChildren;
  /** The fields that can show what is wrong with them; anything else is told at the end of the form. */
  fields?: string[];
  change: () => { name?: string; domain?: string; settings?: { [K in keyof All]?: unknown } };
  /** Renders the fields; gets the message about a field (or any field that starts so), once refused. */
  children: (about: (field: string) => string | null) => ComponentChildren;
}

/** One form of its own: saved by itself, and refused by itself with the reason at its field. */
function Section({ id, title, hint, fields = [], site, onSaved, change, children }: SectionProps) {
  const [state, setState] = useState<"" | "busy" | "saved">("");
  const [error, setError] = useState<Refused | null>(null);
  const about = (field: string) => (error?.param === field || error?.param?.startsWith(`${field}.`) ? error!.message : null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setState("busy");
    setError(null);
    try {
      onSaved(await ask<Site>(`/api/sites/${site.id}`, "PATCH", change()));
      setState("saved");
    } catch (refused) {
      setError(refused as Refused);
      setState("");
    }
  };
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-head`}>
      <h2 id={`${id}-head`}>{title}</h2>
      {hint && <p class="hinted">{hint}</p>}
      <form onSubmit={submit} onInput={() => state === "saved" && setState("")}>
        {children(about)}
        {error && !fields.some(about) && (
          <p class="wrong" role="alert">
            {error.message}
          </p>
        )}
        <div class="row">
          <button class="button" disabled={state === "busy"}>
            Save
          </button>
          <span class="saved" role="status">
            {state === "saved" && (
              <>
                <Icon name="check" /> Saved
              </>
            )}
          </span>
        </div>
      </form>
    </section>
  );
}

function General(props: SheetProps) {
  const [name, setName] = useState(props.site.name);
  const [domain, setDomain] = useState(props.site.domain);
  const [zone, setZone] = useState(props.site.settings.timezone);
  const zones = [...new Set(["UTC", zone, ...Intl.supportedValuesOf("timeZone")])];
  return (
    <Section {...props} id="general" title="General" fields={["name", "domain", "timezone"]} change={() => ({ name, domain, settings: { timezone: zone } })}>
      {(about) => (
        <>
          <Field label="Name" required maxLength={64} value={name} onText={setName} error={about("name")} />
          <Field
            label="Domain"
            required
            value={domain}
            onText={setDomain}
            error={about("domain")}
            autocapitalize="off"
            spellcheck={false}
            hint="Events of other hosts are filtered, except subdomains and allowed hosts."
          />
          <div class="field">
            <label for="zone">Time zone</label>
            <select id="zone" value={zone} onChange={(event) => setZone(event.currentTarget.value)} aria-describedby="zone-hint">
              {zones.map((name) => (
                <option key={name} value={name}>
                  {name.replaceAll("_", " ")}
                </option>
              ))}
            </select>
            <small class="hinted" id="zone-hint">
              Days begin at midnight here. Applies to all data at once.
            </small>
            {about("timezone") && <small class="wrong">{about("timezone")}</small>}
          </div>
        </>
      )}
    </Section>
  );
}

function Privacy(props: SheetProps) {
  const [cookieless, setCookieless] = useState(props.site.settings.cookieless);
  return (
    <Section {...props} id="privacy" title="Privacy" change={() => ({ settings: { cookieless } })}>
      {() => (
        <Check
          label="Cookieless"
          hint="Keeps nothing on the visitor's device. People are told apart by a daily hash whose salt is destroyed after 48 hours, so the same person counts again the next day. Embed the snippet again after changing this."
          checked={cookieless}
          onChange={setCookieless}
        />
      )}
    </Section>
  );
}

interface HostsProps extends SheetProps {
  id: string;
  setting: "hosts" | "ignored_referrers";
  title: string;
  label: string;
  example: string;
  hint: ComponentChildren;
}

function Hosts({ setting, label, example, ...props }: HostsProps) {
  const [text, setText] = useState(props.site.settings[setting].join("\n"));
  const hosts = () =>
    text
      .split(/[\s,]+/)
      .map((host) => host.trim().toLowerCase())
      .filter(Boolean);
  return (
    <Section {...props} fields={[setting]} change={() => ({ settings: { [setting]: hosts() } })}>
      {(about) => (
        <div class="field">
          <label for={`${props.id}-list`}>{label}</label>
          <textarea
            id={`${props.id}-list`}
            rows={3}
            spellcheck={false}
            value={text}
            placeholder={example}
            aria-invalid={about(setting) ? true : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          {about(setting) && (
            <small class="wrong" role="alert">
              {about(setting)}
            </small>
          )}
        </div>
      )}
    </Section>
  );
}

function RevenueSection(props: SheetProps) {
  const { revenue } = props.site.settings;
  const [on, setOn] = useState(revenue !== null);
  const [currency, setCurrency] = useState(revenue?.currency ?? "EUR");
  const [type, setType] = useState(revenue?.type ?? "");
  const known = [...new Set([currency, ...Intl.supportedValuesOf("currency")])];
  return (
    <Section
      {...props}
      id="revenue"
      fields={["revenue"]}
      title="Revenue"
      change={() => ({ settings: { revenue: on ? { currency, type: type.trim() || null } : null } })}
      hint="Amounts that events carry are summed in one currency. Applies to all data at once."
    >
      {(about) => (
        <>
          <Check label="This site earns revenue" checked={on} onChange={setOn} />
          {on && (
            <>
              <div class="field">
                <label for="currency">Currency</label>
                <select id="currency" value={currency} onChange={(event) => setCurrency(event.currentTarget.value)}>
                  {known.map((code) => (
                    <option key={code} value={code}>
                      {format.currencyName(code)}
                    </option>
                  ))}
                </select>
              </div>
              <Field
                label="Event type of a sale"
                value={type}
                onText={setType}
                placeholder="any event with revenue"
                error={about("revenue")}
                hint={
                  <>
                    For example <code>purchase</code>. Events of type <code>refund</code> are then counted too.
                  </>
                }
              />
            </>
          )}
        </>
      )}
    </Section>
  );
}

const THRESHOLDS: [keyof Thresholds, string, string][] = [
  ["bouncer_seconds", "Bounced: fewer seconds than", "with at most one pageview"],
  ["skimmer_seconds_per_page", "Skimmed: fewer seconds a page than", "seconds are visible, focused time"],
  ["engaged_pageviews", "Engaged: at least this many pageviews", "together with the seconds of the next field"],
  ["engaged_seconds", "Engaged: … and this many seconds", "together with the pageviews of the field before"],
  ["deep_seconds", "Engaged: at least this many seconds", "together with the depth of the next field"],
  ["deep_percent", "Engaged: … and this scroll depth, per cent", "together with the seconds of the field before"],
];

const FROM_THEN_ON = (
  <>
    Applies from now on; <code>throughline rebuild</code> applies it to the past.
  </>
);

function FrictionSection(props: SheetProps) {
  const [values, setValues] = useState<Record<string, string>>(
    Object.fromEntries(Object.entries(props.site.settings.friction).map(([key, value]) => [key, String(value)])),
  );
  return (
    <Section
      {...props}
      id="friction"
      fields={THRESHOLDS.map(([key]) => `friction.${key}`)}
      title="Friction"
      hint={<>Where the lines between bounced, skimmed, hesitated and engaged lie. {FROM_THEN_ON}</>}
      change={() => ({ settings: { friction: Object.fromEntries(THRESHOLDS.map(([key]) => [key, Number(values[key])])) } })}
    >
      {(about) => (
        <div class="pairwise">
          {THRESHOLDS.map(([key, label, hint]) => (
            <Field
              key={key}
              label={label}
              hint={hint}
              type="number"
              required
              min={key === "engaged_pageviews" ? 1 : 0}
              max={key === "deep_percent" ? 100 : undefined}
              step={key === "engaged_pageviews" ? 1 : "any"}
              value={values[key]}
              onText={(text) => setValues({ ...values, [key]: text })}
              error={about(`friction.${key}`)}
            />
          ))}
        </div>
      )}
    </Section>
  );
}

function Pairs(props: SheetProps) {
  const [pairs, setPairs] = useState(props.site.settings.pairs.map(([start, ...finish]) => [start ?? "", finish.join(", ")] as [string, string]));
  const set = (at: number, pair: [string, string]) => setPairs(pairs.with(at, pair));
  const written = () =>
    pairs
      .map(([start, finish]) => [start.trim(), ...finish.split(",").map((type) => type.trim())].filter(Boolean))
      .filter((pair) => pair.length > 0);
  return (
    <Section
      {...props}
      id="pairs"
      fields={["pairs"]}
      title="Started and finished"
      hint={<>A session that starts one of these and finishes none of its ends hesitated. {FROM_THEN_ON}</>}
      change={() => ({ settings: { pairs: written() } })}
    >
      {(about) => (
        <>
          <ul class="pairs">
            {pairs.map(([start, finish], at) => (
              <li key={at}>
                <input
                  aria-label={`Started, pair ${at + 1}`}
                  value={start}
                  placeholder="form_start"
                  onInput={(event) => set(at, [event.currentTarget.value, finish])}
                />
                <Icon name="right" />
                <input
                  aria-label={`Finished by, pair ${at + 1}, several separated by commas`}
                  value={finish}
                  placeholder="form_submit"
                  onInput={(event) => set(at, [start, event.currentTarget.value])}
                />
                <button type="button" class="tool" aria-label={`Remove pair ${at + 1}`} onClick={() => setPairs(pairs.toSpliced(at, 1))}>
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
          {about("pairs") && (
            <p class="wrong" role="alert">
              {about("pairs")}
            </p>
          )}
          <button type="button" class="button quiet" onClick={() => setPairs([...pairs, ["", ""]])}>
            <Icon name="plus" />
            Add a pair
          </button>
        </>
      )}
    </Section>
  );
}

function Delete({ site }: { site: Site }) {
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<Refused | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await ask(`/api/sites/${site.id}`, "DELETE");
      go("/sites");
    } catch (refused) {
      setError(refused as Refused);
    }
  };
  return (
    <section class="panel danger" id="delete" aria-labelledby="delete-head">
      <h2 id="delete-head">Delete this site</h2>
      <p class="hinted">Its numbers disappear at once and its data is removed. This cannot be undone.</p>
      <form onSubmit={submit}>
        <Field label={`Type the site's name, ${site.name}, to confirm`} value={typed} onText={setTyped} autocomplete="off" error={error?.message} />
        <button class="button" disabled={typed !== site.name}>
          Delete {site.name}
        </button>
      </form>
    </section>
  );
}
