/** An amount as a decimal, rounded to four places; `transaction` makes it count once however often it is sent. */
interface ThroughlineRevenue {
  amount: number | string;
  /** ISO 4217; the site's currency if left out. */
  currency?: string;
  transaction?: string;
}

interface Throughline {
  /** Records one event. Never throws; before the script has loaded the call waits in `q`. */
  track(type: string, data?: Record<string, unknown> | null, options?: { revenue?: ThroughlineRevenue }): void;
  q?: ArrayLike<unknown>[];
  /** Set once the script runs, so that a second copy on the page stays quiet. */
  on?: 1;
}

interface Window {
  throughline?: Throughline;
}

interface Document {
  prerendering?: boolean;
}

interface Navigator {
  globalPrivacyControl?: boolean;
}
