import { BUCKET_NAME } from "../data/definitions";
import * as format from "../data/format";
import { Pick } from "./Pick";
import { BUCKETS, type FrictionRow } from "../data/types";

/** One stacked bar of the four friction buckets. The numbers stand beside it, so it is decoration to screen readers. */
export const Stack = ({ row, tall }: { row: Pick<FrictionRow, "buckets" | "bucket_pct">; tall?: boolean }) => (
  <span class={tall ? "stack tall" : "stack"} aria-hidden="true">
    {BUCKETS.map(
      (bucket) =>
        row.buckets[bucket] > 0 && (
          <span
            key={bucket}
            class={bucket}
            style={{ flexGrow: row.buckets[bucket] }}
            title={`${BUCKET_NAME[bucket]}: ${format.count(row.buckets[bucket])} (${format.percent(row.bucket_pct[bucket])})`}
          />
        ),
    )}
  </span>
);

type Shares = Pick<FrictionRow, "buckets" | "bucket_pct">;

/** What the colours mean; with the shares of `row`, and how they changed. */
export const Legend = ({ row, before }: { row?: Shares; before?: Shares | null }) => (
  <ul class="legend">
    {BUCKETS.map((bucket) => (
      <li key={bucket}>
        <i class={bucket} />
        <span>{row ? <Pick of={{ bucket }}>{BUCKET_NAME[bucket]}</Pick> : BUCKET_NAME[bucket]}</span>
        {row && (
          <>
            <b>{format.percent(row.bucket_pct[bucket])}</b>
            <small>
              {format.count(row.buckets[bucket])} {before && <Points now={row.bucket_pct[bucket]} before={before.bucket_pct[bucket]} />}
            </small>
          </>
        )}
      </li>
    ))}
  </ul>
);

/** Shares are compared in points: of per cent per cent would be unreadable. */
export const Points = ({ now, before }: { now: number; before: number }) => (
  <span class="change" title={`${format.percent(before)} before`}>
    {Math.abs(now - before) < 0.05 ? "no change" : `${now < before ? "−" : "+"}${format.decimal(Math.abs(now - before))} pp`}
  </span>
);
