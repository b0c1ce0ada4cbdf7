// What the pages believe of answers (api/pages/src/data/types.ts) is what the API's document says of them.
import type { components } from "./throughline.ts";
import type * as pages from "./types.ts";

type Told = components["schemas"];

export const believed = {
  site: (told: Told["SiteWithSettings"]): Omit<pages.Site, "settings"> => told,
  settings: (told: Told["SiteWithSettings"]["settings"]): Partial<pages.Settings> => told, // which answers have whole
  listed: (told: Told["SiteInList"]): pages.ListedSite => told,
  ledger: (told: Told["Ledger"]): pages.Ledger => told,
  dashboard: (told: Told["Dashboard"]): pages.Dashboard => told,
  overTime: (told: Told["OverTime"]): pages.OverTime => told,
  breakdown: (told: Told["Breakdown"]): pages.Breakdown => told,
  goals: (told: Told["Goals"]): pages.Goals => told,
  revenue: (told: Told["Revenue"]): pages.Revenue => told,
  friction: (told: Told["Friction"]): pages.Friction => told,
  frictionPreview: (told: Told["FrictionPreview"]): pages.FrictionPreview => told,
  engagement: (told: Told["EngagementFunnel"]): pages.EngagementFunnel => told,
  pageFlow: (told: Told["PageFlow"]): pages.PageFlow => told,
  depth: (told: Told["ScrollDepth"]): { pages: pages.ScrollPage[] } => told,
  reach: (told: Told["Reach"]): pages.Reach => told,
  types: (told: Told["CustomEventTypes"]): pages.EventTypes => told,
  values: (told: Told["EventDataValues"]): pages.DataValues => told,
  funnel: (told: Told["CustomEventFunnel"]): pages.CustomFunnel => told,
  visitors: (told: Told["Visitors"]): pages.Visitors => told,
  sessions: (told: Told["VisitorSessions"]): { sessions: pages.Session[] } => told,
  events: (told: Told["SessionEvents"]): { events: pages.SessionEvent[] } => told,
  freshness: (told: Told["Freshness"]): pages.Freshness => told,
};
