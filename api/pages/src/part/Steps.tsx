import type { ComponentChildren } from "preact";
import * as format from "../data/format";

export interface Step {
  name: string;
  sessions: number;
  /** Of the first step. */
  pct: number;
  /** How its share changed. */
  change?: ComponentChildren;
  /** What was lost since the step before, in words. */
  lost: string | null;
}

/** A funnel: columns that shrink from left to right (top to bottom on a phone). */
export const Steps = ({ steps, caption }: { steps: Step[]; caption: string }) => (
  <ol class="steps" aria-label={caption}>
    {steps.map((step, at) => (
      <li key={`${at} ${step.name}`}>
        <div class="column" aria-hidden="true">
          <i style={{ "--share": `${step.pct}%` } as Record<string, string>} />
          {at + 1 < steps.length && <s style={{ "--share": `${step.pct}%`, "--next": `${steps[at + 1]!.pct}%` } as Record<string, string>} />}
        </div>
        <div class="said">
          <span class="label" title={step.name}>
            <bdi>{step.name}</bdi>
          </span>
          <span>
            <b>{format.percent(step.pct)}</b> {step.change}
          </span>
          <small>
            {format.count(step.sessions)} sessions{step.lost ? ` · ${step.lost}` : ""}
          </small>
        </div>
      </li>
    ))}
  </ol>
);
