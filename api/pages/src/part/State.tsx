import type { Refused } from "../data/api";

/** As tall as what comes. */
export const Skeleton = ({ lines, chart }: { lines: number; chart?: boolean }) => (
  <div class={chart ? "skeleton chart" : "skeleton"} aria-hidden="true">
    {Array.from({ length: lines }, (_, line) => (
      <div key={line} />
    ))}
  </div>
);

export const Failure = ({ error, again }: { error: Refused; again: () => void }) => (
  <div class="failure" role="alert">
    <p>{error.message}</p>
    <button type="button" class="button quiet" onClick={again}>
      Try again
    </button>
  </div>
);
