import { useState } from "preact/hooks";
import { Field } from "../../part/Field";
import { Section, type SheetProps } from "./Section";

export function General(props: SheetProps) {
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
