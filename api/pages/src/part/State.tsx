import type { Refused } from "../data/api";
import * as format from "../data/format";
import { rangeQuery, shiftDate } from "../data/range";
import { go, withQuery } from "../data/route";

/** As tall as what comes. */
export const Skeleton = ({ lines, chart }: { lines: number; chart?: boolean }) => (
  <div class={chart ? "skeleton chart" : "skeleton"} aria-hidden="true">
    {Array.from({ length: lines }, (_, line) => (
      <div key={line} />
    ))}
  </div>
);

export const Failure = ({ error, again }: { error: Refused; again: () => void }) =>
  error.since ? <Gone since={error.since} /> : <Failed error={error} again={again} />;

/** Of what the site's retention took only sums are there. */
const Gone = ({ since }: { since: string }) => (
  <div class="nothing">
    <p>Of before {format.date(since)} only totals are kept.</p>
    <button type="button" class="button quiet" onClick={() => go(withQuery(rangeQuery({ preset: "custom", from: since, to: shiftDate(since, 29) })))}>
      Show from then on
    </button>
  </div>
);

const Failed = ({ error, again }: { error: Refused; again: () => void }) => (
  <div class="failure" role="alert">
    <p>{error.message}</p>
    <button type="button" class="button quiet" onClick={again}>
      Try again
    </button>
  </div>
);
