import { useState } from "preact/hooks";
import { DEFINITION } from "../data/definitions";
import * as format from "../data/format";
import { go, useRoute, withQuery } from "../data/route";
import { type Scope, useBoth } from "../data/scope";
import type { CustomFunnel } from "../data/types";
import { Icon } from "../part/Icon";
import { Panel } from "../part/Panel";
import { Points } from "../part/Stack";
import { Steps } from "../part/Steps";

const MOST = 10;

/** Pick 2–10 event types, put them in order, see how many sessions went from each to the next. The address keeps them. */
export function FunnelPanel({ scope, known }: { scope: Scope; known: string[] }) {
  const steps = useRoute().query.getAll("step").filter(Boolean).slice(0, MOST);
  const [said, say] = useState("");
  const ready = steps.length >= 2;
  const load = useBoth<CustomFunnel>("custom-event-funnel", scope, { "steps[]": steps }, { ask: ready });
  const shown = ready ? load : { ...load, data: { now: { steps: [], conversion_pct: 0 }, before: null }, error: null, busy: false };

  const set = (next: string[], change: string) => {
    go(withQuery({ step: next }));
    say(change);
  };
  const move = (from: number, to: number) => {
    const next = [...steps];
    next.splice(to, 0, ...next.splice(from, 1));
    set(next, `${steps[from]} is now step ${to + 1}`);
  };

  return (
    <Panel
      title="Funnel"
      wide
      load={shown}
      definition={DEFINITION.funnel}
      table={({ now: d }) => ({
        head: ["step", "type", "sessions", "% of first", "% of previous", "drop-off"],
        rows: d.steps.map((s, at) => [at + 1, s.type, s.sessions, s.pct_of_first, s.pct_of_previous, s.dropoff]),
      })}
    >
      {({ now: data, before }) => (
        <>
          <ol class="builder" aria-label="Steps of the funnel">
            {steps.map((step, at) => (
              <li key={`${at} ${step}`}>
                <span class="order">{at + 1}</span>
                <span class="label" title={step}>
                  {step}
                </span>
                <button type="button" class="tool" disabled={at === 0} aria-label={`Move ${step} earlier`} onClick={() => move(at, at - 1)}>
                  <Icon name="left" />
                </button>
                <button
                  type="button"
                  class="tool"
                  disabled={at === steps.length - 1}
                  aria-label={`Move ${step} later`}
                  onClick={() => move(at, at + 1)}
                >
                  <Icon name="right" />
                </button>
                <button
                  type="button"
                  class="tool"
                  aria-label={`Remove ${step}`}
                  onClick={() => set(steps.toSpliced(at, 1), `${step} removed`)}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
            {steps.length < MOST && (
              <li class="add">
                <label>
                  <span class="unseen">Add a step</span>
                  <select
                    value=""
                    onChange={(event) => {
                      const type = event.currentTarget.value;
                      event.currentTarget.value = "";
                      if (type) set([...steps, type], `${type} added as step ${steps.length + 1}`);
                    }}
                  >
                    <option value="">{steps.length === 0 ? "Choose the first event…" : "Add a step…"}</option>
                    {known.map((type) => (
                      <option key={type} value={type}>
                        {type}
                      </option>
                    ))}
                  </select>
                </label>
              </li>
            )}
          </ol>
          <span class="unseen" role="status">
            {said}
          </span>
          {!ready ? (
            <p class="nothing">Choose two to ten events, in the order in which they should happen within one session.</p>
          ) : data.steps.length === 0 ? null : (
            <>
              <p class="conversion">
                <b>{format.percent(data.conversion_pct)}</b> of {format.count(data.steps[0]!.sessions)} sessions with {data.steps[0]!.type} got to the end.
              </p>
              <Steps
                caption="Sessions by step"
                steps={data.steps.map((s, at) => ({
                  name: s.type,
                  sessions: s.sessions,
                  pct: s.pct_of_first,
                  change: before && <Points now={s.pct_of_first} before={before.steps[at]?.pct_of_first ?? 0} />,
                  lost: at === 0 ? null : `${format.count(s.dropoff)} lost`,
                }))}
              />
            </>
          )}
        </>
      )}
    </Panel>
  );
}
