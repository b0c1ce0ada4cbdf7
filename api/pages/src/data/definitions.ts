/** "How is this counted?": what each number means, in the words of the contract. */
import type { Thresholds } from "./types";

export const DEFINITION = {
  totals:
    "A session is one visitor's events with no gap over 30 minutes; it belongs to the moment it starts, so a visit over midnight counts on the day it began. Visitors are distinct visitors with a session that starts in the range; without an id on the device a visitor is a daily hash, so the same person counts again the next day. Bounce rate is the share of sessions with at most one pageview. Average duration runs over all sessions, from first to last event, zeros included. Changes compare with the chosen earlier period, as far as the present one has come; there are none where nothing was counted that early.",
  source:
    "The first touch of each session: utm_source, source or ref in the address, else a click id (gclid, fbclid …), else the referring site, else Direct. Your own domain never counts as a source. Sessions are counted, by their start.",
  campaign: "The campaign of the session's first touch, utm_campaign in the address; No campaign where there was none.",
  campaigns:
    "Sessions by the source and campaign of their first touch, by their start. Conversions: sessions that reached the chosen goal or held the chosen event; of orders, the orders themselves. Conversion is their share of the sessions. Revenue is credited to the session that it belongs to, at the order's own time.",
  channel:
    "Sessions by the kind of their source: paid where the medium says so or an advertisement's click id is there, else by what the source is – a search engine, a social network, an AI assistant, email – else a referral, or direct.",
  medium: "utm_medium of the session's first touch; None where there was none.",
  term: "utm_term of the session's first touch; None where there was none.",
  content: "utm_content of the session's first touch; None where there was none.",
  hostname: "The host of the first page of the session, without www.",
  region: "Sessions by region, as the operator's database of addresses names them. Unknown where it has countries alone, as the one that comes with Throughline.",
  city: "Sessions by city, as the operator's database of addresses names them. Unknown where it has countries alone, as the one that comes with Throughline.",
  page: "Sessions that viewed the page at least once, and its views in them, by path: query, fragment and trailing slash do not make another page. A session counts for each page that it viewed.",
  entry_page: "Sessions by the first page that they viewed. No page: sessions without a pageview.",
  exit_page: "Sessions by the last page that they viewed. No page: sessions without a pageview.",
  event:
    "Sessions in which a custom event happened at least once, by type. Pageviews and engagement reports are not custom events.",
  goal: "Sessions that reached the goal at least once; conversion is their share of all sessions. What a goal is, the site's settings say.",
  country:
    "Sessions by country, looked up from the address of the request, which is then forgotten. Unknown where the lookup finds nothing.",
  browser: "Sessions by browser, from the user agent.",
  os: "Sessions by operating system, from the user agent.",
  device: "Sessions by device class, from the user agent. What cannot be told counts as Desktop.",
  revenue:
    "Events that carry revenue, each transaction id once, however often it is sent. Credited to the source and campaign of the session it belongs to, at the transaction's own time. Refunds lower revenue and are not in the number of orders; average order value is total revenue by orders. Other currencies are listed, not added.",
  depth:
    "Per pageview: the farthest point reached, (scroll top + viewport) / document height; a page that fits the window is 100 %. Shares and average run over the views that reported a depth; milestones are cumulative.",
  engagement:
    "Per session: its deepest view of the page (of any page if none is chosen). Each step is a share of the sessions that viewed it, and steps never grow.",
  flow:
    "Views of the page in sessions that start in the range. An entry is a view that began its session, an exit one after which no page was viewed; exit rate is the share of the views that were exits. Next page: the view that followed; a reload is followed by the page itself.",
  reach:
    "The share of sessions, by source and campaign, that viewed the page or had the event at least once. Sources that never reached it are listed too.",
  types:
    "Count: how often events of the type happened in the range. Sessions: sessions starting in the range that hold at least one.",
  funnel:
    "Within one session, in this order; other events may lie between. Step by step the earliest match counts, and each step must be a later event than the one before. Sessions by start in the range.",
  journey:
    "The session's pageviews and custom events in order, on the site's clock. How far a page was read is what the visitor's browser reported of that view. A pause of a minute or more is said between two events.",
  visitors:
    "All visitors of the site, most recently seen first, all time. Country, device and source are those of the first session. Events are interactive ones: pageviews and custom events.",
} as const;

export const frictionDefinition = (t: Thresholds): string =>
  `Each session falls into the first bucket that fits. Engaged: carries revenue. Hesitated: started something (a form, a cart) and did not finish it. Engaged: a custom event, or at least ${t.engaged_pageviews} pageviews and ${t.engaged_seconds} s, or ${t.deep_seconds} s and ${t.deep_percent} % depth. Left at once: at most one pageview and under ${t.bouncer_seconds} s. Skimmed: under ${t.skimmer_seconds_per_page} s a page. Hesitated: everyone else. Seconds are visible, focused time. Each session keeps the bucket that the thresholds of its time gave it; these are today’s, set per site in its settings.`;

export const BUCKET_NAME = { bouncer: "Left at once", skimmer: "Skimmed", hesitator: "Hesitated", engaged: "Engaged" } as const;
