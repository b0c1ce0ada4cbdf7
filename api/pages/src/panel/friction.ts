/** Sums and tables of the friction answer. */
import type { Table } from "../data/csv";
import { BUCKETS, type Bucket, type Friction, type FrictionRow } from "../data/types";

/** All sources together; the shares are of what is shown, so plain division is enough. */
export function totalOf({ sources }: Friction): FrictionRow {
  const total = sources.reduce((sum, row) => sum + row.total, 0);
  const buckets = {} as Record<Bucket, number>;
  const bucket_pct = {} as Record<Bucket, number>;
  for (const bucket of BUCKETS) {
    buckets[bucket] = sources.reduce((sum, row) => sum + row.buckets[bucket], 0);
    bucket_pct[bucket] = total ? (buckets[bucket] / total) * 100 : 0;
  }
  return { key: "", total, buckets, bucket_pct };
}

export const bucketTable = ({ sources }: Friction): Table => ({
  head: ["source", "campaign", "sessions", ...BUCKETS, ...BUCKETS.map((bucket) => `${bucket} %`)],
  rows: sources.flatMap((source) =>
    source.campaigns.map((row) => [
      source.key,
      row.key,
      row.total,
      ...BUCKETS.map((bucket) => row.buckets[bucket]),
      ...BUCKETS.map((bucket) => row.bucket_pct[bucket]),
    ]),
  ),
});
