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

/** A row's sessions in an earlier answer: 0 of what it does not name, null where there is none. */
export function earlierOf(before: Friction | null): (row: { source: string; key: string; campaigns?: unknown }) => number | null {
  const known = new Map<string, number>();
  for (const source of before?.sources ?? []) {
    known.set(source.key, source.total);
    for (const campaign of source.campaigns) known.set(`${source.key}\n${campaign.key}`, campaign.total);
  }
  return ({ source, key, campaigns }) => before && (known.get(campaigns ? source : `${source}\n${key}`) ?? 0);
}
