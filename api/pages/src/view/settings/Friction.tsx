import { useState } from "preact/hooks";
import type { Thresholds } from "../../data/types";
import { Field } from "../../part/Field";
import { FROM_THEN_ON, Section, type SheetProps } from "./Section";

const THRESHOLDS: [keyof Thresholds, string, string][] = [
  ["bouncer_seconds", "Left at once: fewer seconds than", "with at most one pageview"],
  ["skimmer_seconds_per_page", "Skimmed: fewer seconds a page than", "seconds are visible, focused time"],
  ["engaged_pageviews", "Engaged: at least this many pageviews", "together with the seconds of the next field"],
  ["engaged_seconds", "Engaged: … and this many seconds", "together with the pageviews of the field before"],
  ["deep_seconds", "Engaged: at least this many seconds", "together with the depth of the next field"],
  ["deep_percent", "Engaged: … and this scroll depth, per cent", "together with the seconds of the field before"],
];

export function FrictionSection(props: SheetProps) {
  const [values, setValues] = useState<Record<string, string>>(
    Object.fromEntries(Object.entries(props.site.settings.friction).map(([key, value]) => [key, String(value)])),
  );
  return (
    <Section
      {...props}
      id="friction"
      fields={THRESHOLDS.map(([key]) => `friction.${key}`)}
      title="Friction"
      hint={<>Where the lines between left at once, skimmed, hesitated and engaged lie. {FROM_THEN_ON}</>}
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
