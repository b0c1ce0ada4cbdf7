import { useState } from "preact/hooks";
import type { Goal } from "../../data/types";
import { Lines } from "../../part/Lines";
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
        <Lines
          lines={lines}
          onLines={setLines}
          blank={{ name: "", kind: "page", value: "" }}
          add="Add a goal"
          remove={(n) => `Remove goal ${n}`}
          error={about("goals")}
        >
          {({ name, kind, value }, set, n) => (
            <>
              <input
                aria-label={`Name of goal ${n}`}
                value={name}
                maxLength={64}
                placeholder="Signed up"
                onInput={(event) => set({ name: event.currentTarget.value })}
              />
              <select aria-label={`Kind of goal ${n}`} value={kind} onChange={(event) => set({ kind: event.currentTarget.value as Kind })}>
                <option value="page">views page</option>
                <option value="event">has event</option>
              </select>
              <input
                aria-label={`${kind === "page" ? "Page" : "Event"} of goal ${n}`}
                value={value}
                placeholder={EXAMPLE[kind]}
                spellcheck={false}
                autocapitalize="off"
                onInput={(event) => set({ value: event.currentTarget.value })}
              />
            </>
          )}
        </Lines>
      )}
    </Section>
  );
}
