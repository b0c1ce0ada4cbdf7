import { useState } from "preact/hooks";
import type { Goal } from "../../data/types";
import { Icon } from "../../part/Icon";
import { Section, type SheetProps } from "./Section";

type Kind = "page" | "event";
const EXAMPLE = { page: "/thanks*", event: "signup" };

interface Line {
  name: string;
  kind: Kind;
  value: string;
}

const lineOf = (goal: Goal): Line =>
  "page" in goal ? { name: goal.name, kind: "page", value: goal.page } : { name: goal.name, kind: "event", value: goal.event };

const goalOf = ({ name, kind, value }: Line): Goal =>
  kind === "page" ? { name: name.trim(), page: value.trim() } : { name: name.trim(), event: value.trim() };

/** Pages and events that sessions are meant to reach. */
export function Goals(props: SheetProps) {
  const [lines, setLines] = useState(props.site.settings.goals.map(lineOf));
  const set = (at: number, change: Partial<Line>) => setLines(lines.with(at, { ...lines[at]!, ...change }));
  return (
    <Section
      {...props}
      id="goals"
      fields={["goals"]}
      title="Goals"
      hint={
        <>
          A page that is viewed or an event that happens; <code>*</code> stands for any characters. Applies to all data at once.
        </>
      }
      change={() => ({ settings: { goals: lines.filter(({ name, value }) => name.trim() || value.trim()).map(goalOf) } })}
    >
      {(about) => (
        <>
          <ul class="lines">
            {lines.map(({ name, kind, value }, at) => (
              <li key={at}>
                <input
                  aria-label={`Name of goal ${at + 1}`}
                  value={name}
                  maxLength={64}
                  placeholder="Signed up"
                  onInput={(event) => set(at, { name: event.currentTarget.value })}
                />
                <select aria-label={`Kind of goal ${at + 1}`} value={kind} onChange={(event) => set(at, { kind: event.currentTarget.value as Kind })}>
                  <option value="page">views page</option>
                  <option value="event">has event</option>
                </select>
                <input
                  aria-label={`${kind === "page" ? "Page" : "Event"} of goal ${at + 1}`}
                  value={value}
                  placeholder={EXAMPLE[kind]}
                  spellcheck={false}
                  autocapitalize="off"
                  onInput={(event) => set(at, { value: event.currentTarget.value })}
                />
                <button type="button" class="tool" aria-label={`Remove goal ${at + 1}`} onClick={() => setLines(lines.toSpliced(at, 1))}>
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
          {about("goals") && (
            <p class="wrong" role="alert">
              {about("goals")}
            </p>
          )}
          <button type="button" class="button quiet" onClick={() => setLines([...lines, { name: "", kind: "page", value: "" }])}>
            <Icon name="plus" />
            Add a goal
          </button>
        </>
      )}
    </Section>
  );
}
