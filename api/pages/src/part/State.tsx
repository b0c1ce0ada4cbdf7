import type { Refused } from "../data/api";

export const Skeleton = ({ lines }: { lines: number }) => (
  <div class="skeleton" aria-hidden="true">
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
