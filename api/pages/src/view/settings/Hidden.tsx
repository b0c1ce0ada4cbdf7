import { useState } from "preact/hooks";
import { dimensionOf } from "../../data/dimensions";
import { LISTED } from "../../data/lists";
import { Lines } from "../../part/Lines";
import { Section, type SheetProps } from "./Section";

const OPERATORS = { "==": "is", "!=": "is not", "=~": "is like", "!~": "is not like" };

interface Line {
  dimension: string;
  operator: string;
  /** The alternatives as the API has them. */
  values: string;
}

function lineOf(text: string): Line {
  const [, dimension = "", operator = "==", values = ""] = /^([a-z_]*)(==|!=|=~|!~)(.*)$/s.exec(text) ?? [];
  return { dimension, operator, values };
}

/** Filters whose sessions are in no answer. */
export function Hidden(props: SheetProps) {
  const [lines, setLines] = useState(props.site.settings.hide.map(lineOf));
  const known = [...new Set([...LISTED, ...lines.map(({ dimension }) => dimension)])];
  return (
    <Section
      {...props}
      id="hidden"
      fields={["hide"]}
      title="Hidden sessions"
      hint={
        <>
          Sessions for which one of these holds are in no number, and come back when it is removed. Several values are separated by <code>|</code>; where
          it is <i>like</i> them, <code>*</code> stands for any characters.
        </>
      }
      change={() => ({
        settings: { hide: lines.filter(({ values }) => values.trim()).map(({ dimension, operator, values }) => dimension + operator + values.trim()) },
      })}
    >
      {(about) => (
        <Lines
          lines={lines}
          onLines={setLines}
          blank={{ dimension: "source", operator: "==", values: "" }}
          add="Hide sessions"
          remove={(n) => `Show them again, ${n}`}
          error={about("hide")}
        >
          {({ dimension, operator, values }, set, n) => (
            <>
              <select aria-label={`What is hidden, ${n}`} value={dimension} onChange={(event) => set({ dimension: event.currentTarget.value })}>
                {known.map((key) => (
                  <option key={key} value={key}>
                    {dimensionOf(key).name}
                  </option>
                ))}
              </select>
              <select aria-label={`How it is compared, ${n}`} value={operator} onChange={(event) => set({ operator: event.currentTarget.value })}>
                {Object.entries(OPERATORS).map(([key, name]) => (
                  <option key={key} value={key}>
                    {name}
                  </option>
                ))}
              </select>
              <input
                aria-label={`Values, ${n}`}
                value={values}
                placeholder="spam.example|ads.example"
                spellcheck={false}
                autocapitalize="off"
                onInput={(event) => set({ values: event.currentTarget.value })}
              />
            </>
          )}
        </Lines>
      )}
    </Section>
  );
}
