import { useState } from "preact/hooks";
import { dimensionOf } from "../../data/dimensions";
import { LISTED } from "../../data/lists";
import { Icon } from "../../part/Icon";
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
  const set = (at: number, change: Partial<Line>) => setLines(lines.with(at, { ...lines[at]!, ...change }));
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
        <>
          <ul class="lines">
            {lines.map(({ dimension, operator, values }, at) => (
              <li key={at}>
                <select aria-label={`What is hidden, ${at + 1}`} value={dimension} onChange={(event) => set(at, { dimension: event.currentTarget.value })}>
                  {known.map((key) => (
                    <option key={key} value={key}>
                      {dimensionOf(key).name}
                    </option>
                  ))}
                </select>
                <select aria-label={`How it is compared, ${at + 1}`} value={operator} onChange={(event) => set(at, { operator: event.currentTarget.value })}>
                  {Object.entries(OPERATORS).map(([key, name]) => (
                    <option key={key} value={key}>
                      {name}
                    </option>
                  ))}
                </select>
                <input
                  aria-label={`Values, ${at + 1}`}
                  value={values}
                  placeholder="spam.example|ads.example"
                  spellcheck={false}
                  autocapitalize="off"
                  onInput={(event) => set(at, { values: event.currentTarget.value })}
                />
                <button type="button" class="tool" aria-label={`Show them again, ${at + 1}`} title="Show them again" onClick={() => setLines(lines.toSpliced(at, 1))}>
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
          {about("hide") && (
            <p class="wrong" role="alert">
              {about("hide")}
            </p>
          )}
          <button type="button" class="button quiet" onClick={() => setLines([...lines, { dimension: "source", operator: "==", values: "" }])}>
            <Icon name="plus" />
            Hide sessions
          </button>
        </>
      )}
    </Section>
  );
}
