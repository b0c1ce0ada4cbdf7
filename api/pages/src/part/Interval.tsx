import { INTERVAL_NAMES, intervalsOf } from "../data/range";
import { go, withQuery } from "../data/route";
import type { Scope } from "../data/scope";

/** How long a bucket of the charts is: what makes a chart of the range. */
export function IntervalPicker({ scope: { range, zone, interval: chosen } }: { scope: Scope }) {
  const possible = intervalsOf(range, zone);
  if (possible.length < 2) return null;
  return (
    <select class="interval" aria-label="Interval" value={chosen} onChange={(event) => go(withQuery({ interval: event.currentTarget.value }))}>
      {possible.map((interval) => (
        <option key={interval} value={interval}>
          {INTERVAL_NAMES[interval]}
        </option>
      ))}
    </select>
  );
}
