/** The shapes of the read API, as its OpenAPI document describes them. */

export interface Settings {
  timezone: string;
  cookieless: boolean;
  hosts: string[];
  ignored_referrers: string[];
  revenue: { currency: string; type?: string | null; trusted?: boolean } | null;
  friction: Thresholds;
  pairs: string[][];
  goals: Goal[];
  exclude: { addresses: string[]; countries: string[]; pages: string[] };
  /** Filters: sessions for which one holds are in no answer. */
  hide: string[];
  /** Sets of filters with a name. */
  segments?: Segment[];
  /** For how many months rows are kept; null: for ever. */
  retention: { events_months: number | null; sessions_months: number | null };
}

export interface Segment {
  name: string;
  filter: string[];
}

export type Goal = { name: string; page: string } | { name: string; event: string };

export interface Thresholds {
  bouncer_seconds: number;
  skimmer_seconds_per_page: number;
  engaged_pageviews: number;
  engaged_seconds: number;
  deep_seconds: number;
  deep_percent: number;
}

export interface Site {
  id: string;
  name: string;
  domain: string;
  tracking_id: string;
  visitors_count: number;
  sessions_count: number;
  events_count: number;
  settings: Settings;
}

export interface ListedSite extends Omit<Site, "settings"> {
  sparkline: number[];
}

export interface Ledger {
  received: number;
  counted: number;
  filtered: Record<string, number>;
}

export interface Rebuild {
  state: "none" | "accepted" | "running" | "done" | "failed";
  asked_at: string | null;
  done: number;
  visitors: number;
}

export interface Freshness {
  fresh_as_of: string | null;
  /** When the first session began; null before there is one. */
  since: string | null;
}

export interface Dashboard {
  sessions_over_time: { period: string; count: number }[];
  granularity: "hour" | "day" | "week" | "month";
  total_sessions: number;
  bounce_rate: number;
  avg_session_duration: number;
  referrers: { source: string; count: number }[];
  top_pages: { page: string; count: number }[];
  top_events: { type: string; count: number }[];
  countries: { country: string; count: number }[];
  devices: { device: string; count: number }[];
  /** null: of the range not all sessions are kept. */
  visitors: number | null;
  pageviews: number;
  from: string;
  to: string;
  timezone: string;
  fresh_as_of: string | null;
}

export interface OverTime {
  over_time: { period: string; sessions: number; visitors: number; pageviews: number; bounce_rate: number; avg_session_duration: number }[];
}

export interface BreakdownTotals {
  sessions: number;
  visitors: number;
  pageviews: number;
  bounce_rate: number;
  avg_session_duration: number;
  events: number;
  revenue: number;
  transactions: number;
}

export interface BreakdownRow extends BreakdownTotals {
  value: string;
  share: number;
}

export interface Retention {
  events_since: string | null;
  sessions_since: string | null;
  months: { month: string; events: number; events_bytes: number; sessions: number; sessions_bytes: number }[];
}

export interface Breakdown {
  dimension: string;
  total_rows: number;
  totals: BreakdownTotals;
  rows: BreakdownRow[];
}

export interface Goals {
  goals: { name: string; sessions: number; total: number; conversion_pct: number }[];
  total_sessions: number;
}

export interface Revenue {
  configured: boolean;
  summary: { total_revenue: number; total_transactions: number; avg_order_value: number };
  revenue_over_time: { period: string; revenue: number; transactions: number }[];
  by_source: { source: string; revenue: number; transactions: number }[];
  by_campaign: { source: string; campaign: string; revenue: number; transactions: number }[];
  currency: string | null;
  excluded_currencies: { currency: string; revenue: number; transactions: number }[];
}

export const BUCKETS = ["bouncer", "skimmer", "hesitator", "engaged"] as const;
export type Bucket = (typeof BUCKETS)[number];

export interface FrictionRow {
  key: string;
  total: number;
  buckets: Record<Bucket, number>;
  bucket_pct: Record<Bucket, number>;
}

export interface Friction {
  sources: (FrictionRow & { campaigns: FrictionRow[] })[];
  thresholds: Thresholds;
}

export interface FrictionPreview extends Omit<FrictionRow, "key"> {
  thresholds: Thresholds;
  changed: number;
}

export const MILESTONES = ["25", "50", "75", "100"] as const;
export type Milestone = (typeof MILESTONES)[number];

export interface ScrollPage {
  page: string;
  views: number;
  reported: number;
  depth: Record<Milestone, number>;
  depth_pct: Record<Milestone, number>;
  avg_depth: number;
}

interface Flow {
  sessions: number;
  views: number;
  entries: number;
  exits: number;
  exit_rate: number;
}

export interface PageFlow extends Flow {
  page: string;
  next: { page: string; count: number; pct: number }[];
  sources: (Flow & { key: string })[];
}

export interface EngagementFunnel {
  page: string | null;
  sessions: number;
  steps: { step: "view" | Milestone; sessions: number; pct: number; dropoff_pct: number }[];
}

export interface ReachRow {
  key: string;
  total: number;
  reached: number;
  pct: number;
}

export interface Reach {
  metric: "page" | "event";
  value: string;
  total_sessions: number;
  reached_sessions: number;
  reach_pct: number;
  sources: (ReachRow & { campaigns: ReachRow[] })[];
}

export interface EventTypes {
  event_types: { type: string; count: number; sessions: number }[];
}

export interface DataValues {
  total_rows: number;
  rows: { value: string; count: number; sessions: number }[];
}

export interface CustomFunnel {
  steps: { type: string; sessions: number; pct_of_first: number; pct_of_previous: number; dropoff: number }[];
  conversion_pct: number;
}

export interface Visitor {
  id: string;
  first_seen: string;
  last_seen: string;
  sessions_count: number;
  events_count: number;
  country: string;
  device: string;
  source: string;
}

export interface Visitors {
  page: number;
  per_page: number;
  total: number;
  visitors: Visitor[];
}

export interface Session {
  id: string;
  started_at: string;
  ended_at: string;
  duration: number;
  pageviews: number;
  events_count: number;
  entry_page: string | null;
  exit_page: string | null;
  source: string;
  campaign: string;
  country: string;
  device: string;
  browser: string;
  os: string;
  bucket: Bucket;
  bounce: boolean;
  revenue: number;
}

export interface SessionEvent {
  id: string;
  type: string;
  timestamp: string;
  url: string;
  page: string;
  title: string;
  data: Record<string, unknown> | null;
  scroll: number | null;
  revenue: { amount: number; currency: string; transaction: string } | null;
}

export interface ApiKey {
  id: string;
  name: string;
  scope: "read" | "manage" | "ingest";
  site: string | null;
  last_used_at: string | null;
  masked: string;
  created_at: string;
}
