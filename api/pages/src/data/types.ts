/** The answers of the API by the names that the pages have for them; the shapes are generated from its document: `make types`. */
import type { components } from "./openapi";

type Told = components["schemas"];

export type Site = Told["SiteWithSettings"];
export type ListedSite = Told["SiteInList"];
export type Settings = Told["SiteSettings"];
export type Segment = Told["Segment"];
export type Goal = Settings["goals"][number];
export type Thresholds = Told["SiteFriction"];
export type Rebuild = Told["Rebuild"];

export type Ledger = Told["Ledger"];
export type Freshness = Told["Freshness"];
export type Now = Told["Now"];
export type Dashboard = Told["Dashboard"];
export type OverTime = Told["OverTime"];
export type Retention = Told["Retention"];
export type Breakdown = Told["Breakdown"];
export type BreakdownRow = Told["Row"];
export type Goals = Told["Goals"];
export type Revenue = Told["Revenue"];
export type Friction = Told["Friction"];
export type FrictionRow = Told["FrictionCampaign"];
export type FrictionPreview = Told["FrictionPreview"];
export type ScrollDepth = Told["ScrollDepth"];
export type PageFlow = Told["PageFlow"];
export type EngagementFunnel = Told["EngagementFunnel"];
export type Reach = Told["Reach"];
export type ReachRow = Told["ReachCampaign"];
export type EventTypes = Told["CustomEventTypes"];
export type DataKeys = Told["EventDataKeys"];
export type DataValues = Told["EventDataValues"];
export type CustomFunnel = Told["CustomEventFunnel"];
export type Visitors = Told["Visitors"];
export type Sessions = Told["VisitorSessions"];
export type Session = Told["Session"];
export type SessionEvents = Told["SessionEvents"];

export type Me = Told["Me"];
export type Whoami = Told["Whoami"];
export type Member = Told["SiteMember"];
export type Role = Member["role"];
export type NewInvitation = Told["NewInvitation"];
export type OpenInvitation = Told["OpenInvitation"];
export type Accepted = Told["Accepted"];
export type ShareLink = Told["ShareLink"];
export type NewLink = Told["NewLink-Output"];
export type Shared = Told["Shared"];
export type ApiKey = Told["MaskedKey"];
export type NewKey = Told["NewKey-Output"];

export type Bucket = keyof Told["Buckets"];
export const BUCKETS: readonly Bucket[] = ["bouncer", "skimmer", "hesitator", "engaged"];
export const MILESTONES = ["25", "50", "75", "100"] as const;
