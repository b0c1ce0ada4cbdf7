/** The lists of the overview: which dimensions a card has, and what is told of their values. */
import { DEFINITION } from "./definitions";
import * as format from "./format";
import { type Loaded } from "./load";
import { type Scope, useAnswer } from "./scope";
import type { Breakdown, BreakdownRow, Goals } from "./types";

export interface Card {
  key: string;
  title: string;
  dimensions: string[];
}

export const CARDS = {
  sources: { key: "sources", title: "Sources", dimensions: ["source", "campaign"] },
  pages: { key: "pages", title: "Pages", dimensions: ["page", "entry_page", "exit_page"] },
  events: { key: "events", title: "Goals and events", dimensions: ["goal", "event"] },
  countries: { key: "countries", title: "Countries", dimensions: ["country"] },
  devices: { key: "devices", title: "Devices", dimensions: ["device", "browser", "os"] },
} satisfies Record<string, Card>;

export const LISTED: string[] = [...Object.values(CARDS).flatMap(({ dimensions }) => dimensions), "bucket"];

/** Of goals only the first few are known. */
export type Row = Pick<BreakdownRow, "value" | "sessions" | "share"> & Partial<BreakdownRow>;

export interface List {
  rows: Row[];
  total: number;
}

interface Column {
  head: string;
  cell: (row: Row, currency: string | null) => string;
}

const COLUMN = {
  sessions: { head: "Sessions", cell: (row) => format.count(row.sessions) },
  share: { head: "Share", cell: (row) => format.percent(row.share) },
  visitors: { head: "Visitors", cell: (row) => format.count(row.visitors ?? 0) },
  pageviews: { head: "Views", cell: (row) => format.count(row.pageviews ?? 0) },
  events: { head: "Events", cell: (row) => format.count(row.events ?? 0) },
  bounce_rate: { head: "Bounce rate", cell: (row) => format.percent(row.bounce_rate ?? 0) },
  avg_session_duration: { head: "Duration", cell: (row) => format.duration(row.avg_session_duration ?? 0) },
  revenue: { head: "Revenue", cell: (row, currency) => format.money(row.revenue ?? 0, currency) },
  transactions: { head: "Orders", cell: (row) => format.count(row.transactions ?? 0) },
} satisfies Record<string, Column>;
export type ColumnName = keyof typeof COLUMN;

const SECOND: Record<string, ColumnName> = { page: "pageviews", entry_page: "bounce_rate" };

export function columnOf(name: ColumnName, dimension: string): Column {
  if (dimension === "goal" && name === "share") return { ...COLUMN.share, head: "Conversion" };
  if (dimension === "goal" && name === "events") return { ...COLUMN.events, head: "Times" };
  return COLUMN[name];
}

export const columnsOfCard = (dimension: string): ColumnName[] => ["sessions", SECOND[dimension] ?? "share"];

export function columnsOfAll(dimension: string, revenue: boolean): ColumnName[] {
  if (dimension === "goal") return ["sessions", "share", "events"];
  const all = Object.keys(COLUMN) as ColumnName[];
  return revenue ? all : all.filter((name) => name !== "revenue" && name !== "transactions");
}

export const definitionOf = (dimension: string): string => DEFINITION[dimension as keyof typeof DEFINITION] ?? DEFINITION.totals;

/** One page of the values of a dimension. */
export function useList(scope: Scope, dimension: string, limit: number, page = 1): Loaded<List> {
  const isGoal = dimension === "goal";
  const values = useAnswer<Breakdown>("breakdown", scope, { dimension, limit, page: page > 1 ? page : undefined }, { ask: !isGoal });
  const goals = useAnswer<Goals>("goals", scope, {}, { ask: isGoal });
  if (!isGoal) {
    // Until it has come, what is there may be of another dimension, whose values are no filters of this one.
    const mine = values.data?.dimension === dimension ? values.data : null;
    return { ...values, data: mine && { rows: mine.rows, total: mine.total_rows } };
  }
  const data = goals.data && {
    rows: goals.data.goals
      .slice((page - 1) * limit, page * limit)
      .map(({ name, sessions, total, conversion_pct }) => ({ value: name, sessions, share: conversion_pct, events: total })),
    total: goals.data.goals.length,
  };
  return { ...goals, data };
}
