import { useState } from "preact/hooks";
import * as format from "../../data/format";
import { Check, Field } from "../../part/Field";
import { Section, type SheetProps } from "./Section";

export function RevenueSection(props: SheetProps) {
  const { revenue } = props.site.settings;
  const [on, setOn] = useState(revenue !== null);
  const [currency, setCurrency] = useState(revenue?.currency ?? "EUR");
  const [type, setType] = useState(revenue?.type ?? "");
  const [trusted, setTrusted] = useState(revenue?.trusted ?? false);
  const known = [...new Set([currency, ...Intl.supportedValuesOf("currency")])];
  return (
    <Section
      {...props}
      id="revenue"
      fields={["revenue"]}
      title="Revenue"
      change={() => ({ settings: { revenue: on ? { currency, type: type.trim() || null, trusted } : null } })}
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
              <Check
                label="Only with a key"
                hint="Revenue counts only where your server sends it, with a key of scope ingest. Applies from now on."
                checked={trusted}
                onChange={setTrusted}
              />
            </>
          )}
        </>
      )}
    </Section>
  );
}
