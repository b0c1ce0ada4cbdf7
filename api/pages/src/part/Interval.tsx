import { type Interval, INTERVAL_NAMES, intervalsOf, type Range } from "../data/range";
import { go, withQuery } from "../data/route";

/** How long a bucket of the charts is: what makes a chart of the range. */
export function IntervalPicker({ range, chosen }: { range: Range; chosen: Interval }) {
  const possible = intervalsOf(range);
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
