import { useState } from "preact/hooks";
import * as format from "../../data/format";
import { useLoad } from "../../data/load";
import { shiftMonths } from "../../data/range";
import type { Retention } from "../../data/types";
import { Check, Field } from "../../part/Field";
import { Section, type SheetProps } from "./Section";

const KINDS = [
  { key: "events", label: "Raw events, months", hint: "Single events of a visit, and the values of their data." },
  { key: "sessions", label: "Sessions, months", hint: "Filters, breakdowns, goals, funnels and distinct visitors are made from them. No fewer than of events." },
] as const;
type Kind = (typeof KINDS)[number]["key"];

/** How long what is kept, and what goes if it is less. */
export function Kept(props: SheetProps) {
  const { retention } = props.site.settings;
  const [texts, setTexts] = useState<Record<Kind, string>>({ events: `${retention.events_months ?? ""}`, sessions: `${retention.sessions_months ?? ""}` });
  const [sure, setSure] = useState(false);
  const { data } = useLoad<Retention>(`retention ${props.site.id}`, () => `/api/sites/${props.site.id}/retention`, 0);
  const going = KINDS.map(({ key }) => gone(data, key, texts[key], Date.now()));
  const loses = going.some(({ rows }) => rows > 0);
  return (
    <Section
      {...props}
      id="kept"
      fields={["retention"]}
      title="Kept data"
      hint="Whole months that are older than this are removed, for good. Totals of those days stay: sessions, pageviews, sources, pages, events, revenue. Empty: kept for ever."
      held={loses && !sure}
      change={() => ({ settings: { retention: { events_months: months(texts.events), sessions_months: months(texts.sessions) } } })}
    >
      {(about) => (
        <>
          <div class="pairwise">
            {KINDS.map(({ key, label, hint }) => (
              <Field
                key={key}
                label={label}
                type="number"
                min={1}
                max={120}
                step={1}
                placeholder="for ever"
                value={texts[key]}
                hint={hint}
                onText={(text) => (setTexts({ ...texts, [key]: text }), setSure(false))}
                error={about(`retention.${key}_months`)}
              />
            ))}
          </div>
          <p class="hinted">{data && standing(data)}</p>
          {loses && (
            <Check
              label={`Remove ${going.filter(({ rows }) => rows).map(({ text }) => text).join(" and ")}`}
              hint="This cannot be undone."
              checked={sure}
              onChange={setSure}
            />
          )}
        </>
      )}
    </Section>
  );
}

const months = (text: string): number | null => (text.trim() === "" ? null : Number(text));

/** What of a kind lies in whole months that are older. */
function gone(data: Retention | null, kind: Kind, text: string, now: number): { rows: number; text: string } {
  const kept = months(text);
  if (!data || !kept || kept < 1) return { rows: 0, text: "" };
  const first = shiftMonths(new Date(now).toISOString().slice(0, 10), -kept).slice(0, 7);
  const old = data.months.filter(({ month }) => month < first);
  const [rows, bytes] = [sum(old.map((each) => each[kind])), sum(old.map((each) => each[`${kind}_bytes`]))];
  return { rows, text: `${format.count(rows)} ${kind === "events" ? "raw events" : "session rows"} of before ${format.date(`${first}-01`)} (about ${size(bytes)})` };
}

function standing({ months, events_since, sessions_since }: Retention): string {
  const since = months[0]?.month;
  const parts = [
    `Now ${size(sum(months.map((each) => each.events_bytes)))} of events and ${size(sum(months.map((each) => each.sessions_bytes)))} of sessions are kept${since ? `, from ${format.date(`${since}-01`)} on` : ""}.`,
    events_since && `Events of before ${format.date(events_since.slice(0, 10))} are gone.`,
    sessions_since && `Sessions of before ${format.date(sessions_since.slice(0, 10))} are gone.`,
  ];
  return parts.filter(Boolean).join(" ");
}

const sum = (numbers: number[]): number => numbers.reduce((all, each) => all + each, 0);
const size = (bytes: number): string => (bytes < 1_000_000 ? `${format.count(Math.ceil(bytes / 1000))} kB` : `${format.decimal(bytes / 1_000_000)} MB`);
