/** The range of a dashboard: in the address bar, as API parameters, and the earlier one that it is compared with. */

export const PRESETS = ["today", "24h", "7d", "30d", "90d"] as const;
export const CALENDAR = ["last-week", "month", "last-month"] as const;
export type Preset = (typeof PRESETS)[number] | (typeof CALENDAR)[number];

export const PRESET_NAMES: Record<Preset, string> = {
  today: "Today",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  "last-week": "Last week",
  month: "Month to date",
  "last-month": "Last month",
};

/** `from` and `to` are calendar dates of the site's zone, both included; or hours, `to` then not. */
export type Range = { preset: Preset } | { preset: "custom"; from: string; to: string };

/** What a range is compared with, and what it is called. */
export const COMPARISONS = { previous: "Previous period", week: "A week earlier", month: "A month earlier", year: "A year earlier" } as const;
export type Comparison = keyof typeof COMPARISONS;

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$/;
const DAY = 86_400_000;
const MINUTE = 60_000;
const DAYS: Partial<Record<Preset, number>> = { today: 1, "24h": 1, "7d": 7, "30d": 30, "90d": 90 };

export function readRange(query: URLSearchParams): Range {
  const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
  if (DATE.test(from) && DATE.test(to) && from.length === to.length && from <= to) return { preset: "custom", from, to };
  const preset = query.get("range") ?? "";
  return { preset: Object.hasOwn(PRESET_NAMES, preset) ? (preset as Preset) : "30d" };
}

export function rangeQuery(range: Range): Record<string, string | null> {
  if (range.preset === "custom") return { range: null, from: range.from, to: range.to, at: null };
  return { range: range.preset === "30d" ? null : range.preset, from: null, to: null, at: null };
}

/** null: none is wanted. */
export function readComparison(query: URLSearchParams): Comparison | null {
  const wanted = query.get("compare");
  return wanted === "off" ? null : wanted && Object.hasOwn(COMPARISONS, wanted) ? (wanted as Comparison) : "previous";
}

/** Date and time of day that clocks in `zone` show. */
export function localNow(zone: string, now: number): { date: string; time: string } {
  const text = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(now);
  return { date: text.slice(0, 10), time: text.slice(11) };
}

export const shiftDate = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

/** The same day of another month, or its last where it is shorter. */
export function shiftMonths(date: string, months: number): string {
  const first = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  first.setUTCMonth(first.getUTCMonth() + months);
  const month = first.toISOString().slice(0, 7);
  first.setUTCMonth(first.getUTCMonth() + 1, 0);
  return `${month}-${String(Math.min(first.getUTCDate(), Number(date.slice(8)))).padStart(2, "0")}`;
}

const daysBetween = (from: string, to: string): number => (Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / DAY;

/** Its first and last day; of the last 24 hours both that they touch. */
function daysOf(range: Range, today: string): { from: string; to: string } {
  if (range.preset === "custom") return { from: range.from.slice(0, 10), to: range.to.slice(0, 10) };
  const month = `${today.slice(0, 7)}-01`;
  if (range.preset === "month") return { from: month, to: today };
  if (range.preset === "last-month") return { from: shiftMonths(month, -1), to: shiftDate(month, -1) };
  if (range.preset === "last-week") {
    const monday = shiftDate(today, -((new Date(today).getUTCDay() + 6) % 7));
    return { from: shiftDate(monday, -7), to: shiftDate(monday, -1) };
  }
  return { from: shiftDate(today, range.preset === "24h" ? -1 : 1 - DAYS[range.preset]!), to: today };
}

/** An hour or some, whose clock has no zone: milliseconds. */
const timed = (range: Range): { from: string; to: string } | null => (range.preset === "custom" && range.from.includes("T") ? range : null);
const clock = (text: string): number => Date.parse(`${text}Z`);

const lengthOf = (range: Range, zone: string): number => {
  const hours = timed(range);
  if (hours) return (clock(hours.to) - clock(hours.from)) / DAY;
  const { from, to } = daysOf(range, localNow(zone, Date.now()).date);
  return range.preset === "24h" ? 1 : daysBetween(from, to) + 1;
};

/**
 * `from` and `to` as the API takes them. Calendar ranges are sent as naive dates, which the API reads in the site's
 * zone, so no zone is computed here; a range that ends now leaves `to` out and ends at the server's now. What one is
 * `compared` with that is not over yet ends as far into its last day as the present one has come.
 */
export function rangeParams(range: Range, zone: string, compared: Comparison | null, now: number): { from: string; to?: string } {
  // Until the next one it is the same question, of which the API has kept the answer while nothing is new.
  const minute = now - (now % MINUTE);
  const { date, time } = localNow(zone, minute);
  const { from, to } = daysOf(range, date);
  const open = to >= date;
  const last = open ? date : to;
  const monthly = range.preset === "month" || range.preset === "last-month";
  const back = (day: string): string =>
    compared === "week"
      ? shiftDate(day, -7)
      : compared === "year" || compared === "month" || monthly
        ? shiftMonths(day, compared === "year" ? -12 : -1)
        : shiftDate(day, range.preset === "24h" ? -1 : -1 - daysBetween(from, to));
  const hours = timed(range);
  if (hours) {
    const length = clock(hours.to) - clock(hours.from);
    const earlier = (text: string) =>
      compared === "previous" ? new Date(clock(text) - length).toISOString().slice(0, 16) : back(text.slice(0, 10)) + text.slice(10);
    return compared ? { from: earlier(hours.from), to: earlier(hours.to) } : { from: hours.from, to: hours.to };
  }
  if (range.preset === "24h") {
    const end = minute - (compared ? daysBetween(back(date), date) * DAY : 0);
    const start = new Date(end - DAY).toISOString();
    return compared ? { from: start, to: new Date(end).toISOString() } : { from: start };
  }
  if (!compared) return open && range.preset !== "custom" ? { from } : { from, to };
  const end = range.preset === "last-month" && compared !== "week" ? shiftDate(shiftMonths(shiftDate(to, 1), compared === "year" ? -12 : -1), -1) : back(last);
  return { from: back(from), to: open ? `${end}T${time}` : end };
}

/** Whether anything was counted as early as the range begins that this one is compared with. `since`: the first session. */
export const covered = (range: Range, zone: string, compared: Comparison, since: string): boolean =>
  localNow(zone, Date.parse(since)).date <= rangeParams(range, zone, compared, Date.now()).from.slice(0, 10);

export type Interval = "hour" | "day" | "week" | "month";

export const INTERVAL_NAMES: Record<Interval, string> = { hour: "By hour", day: "By day", week: "By week", month: "By month" };

// From and up to how many days of range a chart of such buckets has at least two of them, and the API at most 1,000.
const FITS: Record<Interval, [number, number]> = { hour: [0, 40], day: [3, 998], week: [14, 6_900], month: [59, Infinity] };

export const intervalsOf = (range: Range, zone: string): Interval[] => {
  const days = lengthOf(range, zone);
  return (Object.keys(FITS) as Interval[]).filter((interval) => FITS[interval][0] <= days && days <= FITS[interval][1]);
};

/** The chosen one if it fits the range, else hours up to two days, then days as far as they go. */
export function readInterval(query: URLSearchParams, range: Range, zone: string): Interval {
  const possible = intervalsOf(range, zone);
  const wanted = query.get("interval") as Interval;
  if (possible.includes(wanted)) return wanted;
  return possible.find((interval) => interval !== "hour" || lengthOf(range, zone) <= 2) ?? "hour";
}

/** What some buckets of a chart are of; null where they are all of the range already. `starts`: of every bucket. */
export function within(range: Range, zone: string, starts: string[], first: number, last: number): Range | null {
  if (first === 0 && last === starts.length - 1) return null;
  const hours = starts.length > 1 && clock(starts[1]!.slice(0, 16)) - clock(starts[0]!.slice(0, 16)) < DAY / 2;
  if (hours) {
    const end = starts[last + 1]?.slice(0, 16) ?? new Date(clock(starts[last]!.slice(0, 16)) + DAY / 24).toISOString().slice(0, 16);
    return { preset: "custom", from: starts[first]!.slice(0, 16), to: end };
  }
  const today = localNow(zone, Date.now()).date;
  const { to } = daysOf(range, today);
  const from = starts[first]!.slice(0, 10);
  const next = starts[last + 1]?.slice(0, 10);
  const until = next === undefined ? (to < today ? to : today) : shiftDate(next, -1);
  return from > until || daysBetween(from, until) + 1 >= lengthOf(range, zone) ? null : { preset: "custom", from, to: until };
}

/** How many of a chart's buckets have begun, and whether the last of them is still filling. */
export function begun(starts: string[], range: Range, zone: string): [number, boolean] {
  const now = Date.now();
  const future = starts.findIndex((start) => Date.parse(start) > now);
  const count = future < 0 ? starts.length : future;
  return [count, future >= 0 || daysOf(range, localNow(zone, now).date).to >= localNow(zone, now).date];
}
