/** The range of a dashboard: in the address bar, as API parameters, and the period before it of the same length. */

export const PRESETS = ["today", "24h", "7d", "30d", "90d"] as const;
export type Preset = (typeof PRESETS)[number];

export const PRESET_NAMES: Record<Preset, string> = {
  today: "Today",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
};

/** `from` and `to` are calendar dates of the site's zone, both included. */
export type Range = { preset: Preset } | { preset: "custom"; from: string; to: string };

const DATE = /^\d{4}-\d\d-\d\d$/;
const DAY = 86_400_000;
const MINUTE = 60_000;
const DAYS: Record<Preset, number> = { today: 1, "24h": 1, "7d": 7, "30d": 30, "90d": 90 };

export function readRange(query: URLSearchParams): Range {
  const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
  if (DATE.test(from) && DATE.test(to) && from <= to) return { preset: "custom", from, to };
  const preset = query.get("range") as Preset;
  return { preset: PRESETS.includes(preset) ? preset : "30d" };
}

export function rangeQuery(range: Range): Record<string, string | null> {
  if (range.preset === "custom") return { range: null, from: range.from, to: range.to, at: null };
  return { range: range.preset === "30d" ? null : range.preset, from: null, to: null, at: null };
}

/** Date and time of day that clocks in `zone` show. */
export function localNow(zone: string, now: number): { date: string; time: string } {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(now);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? "00";
  return {
    date: `${part("year")}-${part("month")}-${part("day")}`,
    time: `${part("hour")}:${part("minute")}:${part("second")}`,
  };
}

export const shiftDate = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

const daysBetween = (from: string, to: string): number => (Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / DAY;

/**
 * `from` and `to` as the API takes them. Calendar ranges are sent as naive dates, which the API reads in the site's
 * zone, so no zone is computed here; a range that ends now leaves `to` out and ends at the server's now. The period
 * before is as many days earlier, and ends as far into its last day as the present one.
 */
export function rangeParams(range: Range, zone: string, previous: boolean, now: number): { from: string; to?: string } {
  if (range.preset === "custom") {
    const days = previous ? daysBetween(range.from, range.to) + 1 : 0;
    return { from: shiftDate(range.from, -days), to: shiftDate(range.to, -days) };
  }
  // Until the next one it is the same question, of which the API has kept the answer while nothing is new.
  const minute = now - (now % MINUTE);
  if (range.preset === "24h") {
    const to = minute - (previous ? DAY : 0);
    const from = new Date(to - DAY).toISOString();
    return previous ? { from, to: new Date(to).toISOString() } : { from };
  }
  const days = DAYS[range.preset];
  const { date, time } = localNow(zone, minute);
  const from = shiftDate(date, 1 - days);
  if (!previous) return { from };
  return { from: shiftDate(from, -days), to: `${shiftDate(date, -days)}T${time}` };
}

export type Interval = "hour" | "day" | "week" | "month";

export const INTERVAL_NAMES: Record<Interval, string> = { hour: "By hour", day: "By day", week: "By week", month: "By month" };

// From and up to how many days of range a chart of such buckets has at least two of them, and the API at most 1,000.
const FITS: Record<Interval, [number, number]> = { hour: [0, 40], day: [3, 998], week: [14, 6_900], month: [59, Infinity] };

const daysOf = (range: Range): number => (range.preset === "custom" ? daysBetween(range.from, range.to) + 1 : DAYS[range.preset]);

export const intervalsOf = (range: Range): Interval[] => {
  const days = daysOf(range);
  return (Object.keys(FITS) as Interval[]).filter((interval) => FITS[interval][0] <= days && days <= FITS[interval][1]);
};

/** The chosen one if it fits the range, else hours up to two days, then days as far as they go. */
export function readInterval(query: URLSearchParams, range: Range): Interval {
  const possible = intervalsOf(range);
  const wanted = query.get("interval") as Interval;
  if (possible.includes(wanted)) return wanted;
  return possible.find((interval) => interval !== "hour" || daysOf(range) <= 2) ?? "hour";
}

/** The days of buckets of a chart; null where they are all of the range already. `starts`: of every bucket. */
export function within(range: Range, zone: string, starts: string[], first: number, last: number): Range | null {
  const today = localNow(zone, Date.now()).date;
  const end = range.preset === "custom" && range.to < today ? range.to : today;
  const from = starts[first]!.slice(0, 10);
  const next = starts[last + 1]?.slice(0, 10);
  // An hour's day goes on behind it.
  const to = next === undefined ? end : next === starts[last]!.slice(0, 10) ? next : shiftDate(next, -1);
  return (first === 0 && last === starts.length - 1) || from > to || daysBetween(from, to) + 1 >= daysOf(range) ? null : { preset: "custom", from, to };
}

/** Whether the range's last bucket is still filling. */
export const endsNow = (range: Range, zone: string): boolean =>
  range.preset !== "custom" || range.to >= localNow(zone, Date.now()).date;
