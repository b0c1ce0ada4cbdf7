/** Numbers, money, times and names as the reader's own locale writes them. */

const locale = navigator.language || "en";
const whole = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const tenth = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const countries = new Intl.DisplayNames(locale, { type: "region" });
const currencies = new Intl.DisplayNames(locale, { type: "currency" });

export const count = (n: number): string => whole.format(n);
/** With the digits that it has. */
export const plain = (n: number, exact: boolean): string =>
  n.toLocaleString(locale, { minimumFractionDigits: exact ? 2 : 0, maximumFractionDigits: 4 });
/** Short from 10,000 on; pair it with the full number in a title. */
export const short = (n: number): string => (Math.abs(n) < 10_000 ? whole.format(n) : compact.format(n));
export const percent = (n: number): string => `${tenth.format(n)}%`;
export const decimal = (n: number): string => tenth.format(n);

export function money(amount: number, currency: string | null): string {
  if (!currency) return new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(amount);
  try {
    return new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
  } catch {
    return `${whole.format(amount)} ${currency}`;
  }
}

/** Without cents from 1,000 on, short from 100,000 on; pair it with the full amount in a title. */
export function shortMoney(amount: number, currency: string): string {
  if (Math.abs(amount) < 1_000) return money(amount, currency);
  const notation = Math.abs(amount) < 100_000 ? "standard" : "compact";
  try {
    return new Intl.NumberFormat(locale, { style: "currency", currency, notation, maximumFractionDigits: notation === "compact" ? 1 : 0 }).format(amount);
  } catch {
    return money(amount, currency);
  }
}

const axes = new Map<string, Intl.NumberFormat>();
const axis_ = (options: Intl.NumberFormatOptions) => (n: number): string => {
  // As many digits as tell the lines of the smallest and of the largest values apart.
  const size = Math.abs(n) < 10_000 ? { maximumFractionDigits: Math.abs(n) < 1 ? 4 : 2 } : { notation: "compact" as const, maximumSignificantDigits: 3 };
  const key = JSON.stringify([options, size]);
  if (!axes.has(key)) axes.set(key, new Intl.NumberFormat(locale, { minimumFractionDigits: "notation" in size ? undefined : 0, ...options, ...size }));
  return axes.get(key)!.format(n);
};
/** Beside the lines of a chart. */
export const axisCount = axis_({});
export const axisMoney = (n: number, currency: string | null): string => {
  try {
    return axis_(currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {})(n);
  } catch {
    return axisCount(n);
  }
};

export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, "0")}s`;
  return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
}

export function country(code: string): string {
  if (code === "unknown") return "Unknown";
  try {
    return countries.of(code) ?? code;
  } catch {
    return code;
  }
}

/** ISO 3166-2, `DE-BE`: no list of their names is in a browser, but the country's is. */
export const region = (code: string): string => (/^[A-Z]{2}-/.test(code) ? `${country(code.slice(0, 2))}, ${code.slice(3)}` : value(code));

export function currencyName(code: string): string {
  try {
    return `${code} – ${currencies.of(code)}`;
  } catch {
    return code;
  }
}

/** What the API says in the place of a value. */
export const NONE = "(none)";
export const OTHER = "(other)";
const WORDS: Record<string, string> = { [NONE]: "None", [OTHER]: "All others", unknown: "Unknown" };
export const value = (key: string): string => (Object.hasOwn(WORDS, key) ? WORDS[key]! : key);
export const source = (key: string): string => (key === "direct" ? "Direct" : value(key));
export const campaign = (key: string): string => (key === NONE ? "No campaign" : value(key));
/** Why there is no value of its own. */
export const explained = (key: string): string | undefined =>
  key === OTHER ? "What lies past the rows that are listed, together" : key === NONE ? "No value was given" : key === "unknown" ? "It could not be told" : undefined;
/** "–" where nothing was reported that a share or an average could be of. */
export const given = (of: number, text: string): string => (of ? text : "–");

/** A path as people write it: letters beyond ASCII are decoded, whatever would mislead stays as it came. */
export const page = (path: string): string =>
  path.replace(/(?:%[89A-F][0-9A-F])+/g, (run) => {
    try {
      const text = decodeURIComponent(run);
      return /[\p{C}\p{Z}]/u.test(text) ? run : text;
    } catch {
      return run;
    }
  });

/** A bucket's start as the site's clock shows it: the offset is in the text, so no zone is needed. "" for one that the
 * answer no longer has: a chart draws the old buckets until it has the new ones. */
export function period(text: string, granularity: "hour" | "day" | "week" | "month", long = false): string {
  if (!text) return "";
  const date = new Date(`${text.slice(0, 16)}Z`);
  const options: Intl.DateTimeFormatOptions =
    granularity === "hour"
      ? long
        ? { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }
        : { hour: "numeric", minute: "2-digit" }
      : granularity === "month"
        ? { month: long ? "long" : "short", year: "numeric" }
        : long
          ? { weekday: "short", day: "numeric", month: "short", year: "numeric" }
          : { day: "numeric", month: "short" };
  const said = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format(date);
  return granularity === "week" && long ? `Week of ${said}` : said;
}

/** Under a chart: hours of more than two days are told by their day, which 24 of them have. */
export const axis = (granularity: "hour" | "day" | "week" | "month", length: number) => {
  const days = granularity === "hour" && length > 49;
  return { every: days ? 24 : 1, text: (start: string) => period(start, days ? "day" : granularity) };
};

export const moment = (iso: string, zone: string): string =>
  new Intl.DateTimeFormat(locale, { timeZone: zone, dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** A time as the clock showed it that its offset is of: midnights are days. */
export const local = (iso: string): string =>
  new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "medium", timeStyle: iso.slice(11, 16) === "00:00" ? undefined : "short" }).format(
    new Date(`${iso.slice(0, 16)}Z`),
  );

export const clock = (iso: string, zone: string): string =>
  new Intl.DateTimeFormat(locale, { timeZone: zone, timeStyle: "medium" }).format(new Date(iso));

/** Two dates, both included, or two times of a clock. */
export const span = (from: string, to: string): string => {
  const written = new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "medium", timeStyle: from.length > 10 ? "short" : undefined });
  return written.formatRange(new Date(`${from}Z`.replace(/^([^T]*)Z$/, "$1")), new Date(`${to}Z`.replace(/^([^T]*)Z$/, "$1")));
};

export const date = (text: string): string =>
  new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "medium" }).format(new Date(`${text.slice(0, 10)}T00:00Z`));

/** How a visitor is called in lists: the beginning of the id. */
export const visitor = (id: string): string => id.split("-").pop()!.slice(0, 8);
