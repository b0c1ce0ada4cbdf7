import * as format from "../data/format";
import { Delta } from "./Delta";

export interface Figure {
  name: string;
  now: number;
  before?: number;
  written?: (n: number) => string;
  inverse?: boolean;
}

/** Large numbers in a row, with their change where `compared`. */
export const Totals = ({ totals, compared }: { totals: Figure[]; compared: boolean }) => (
  <dl class="totals">
    {totals.map(({ name, now, before, written = format.short, inverse }) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd title={format.count(now)}>{written(now)}</dd>
        {compared && (
          <dd class="changed">
            <Delta now={now} before={before ?? null} written={written} inverse={inverse} />
          </dd>
        )}
      </div>
    ))}
  </dl>
);
