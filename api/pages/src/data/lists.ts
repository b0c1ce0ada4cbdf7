/** The lists of the overview: which dimensions a card has, and what is told of their values. */
import { DEFINITION } from "./definitions";
import * as format from "./format";
import { type Loaded } from "./load";
import { type Scope, useBoth } from "./scope";
import type { Breakdown, BreakdownRow, Goals } from "./types";

export interface Card {
  key: string;
  title: string;
  dimensions: string[];
}

export const CARDS = {
  sources: { key: "sources", title: "Sources", dimensions: ["source", "channel", "campaign", "medium", "term", "content"] },
  pages: { key: "pages", title: "Pages", dimensions: ["page", "entry_page", "exit_page", "hostname"] },
  events: { key: "events", title: "Goals and events", dimensions: ["goal", "event"] },
  countries: { key: "countries", title: "Countries", dimensions: ["country", "region", "city"] },
  devices: { key: "devices", title: "Devices", dimensions: ["device", "browser", "os"] },
} satisfies Record<string, Card>;

export const LISTED: string[] = [...Object.values(CARDS).flatMap(({ dimensions }) => dimensions), "bucket"];

/** Of goals only the first few are known. */
export type Row = Pick<BreakdownRow, "value" | "sessions" | "share"> & Partial<BreakdownRow> & {
  /** Its sessions in the period that the range is compared with; null: not known, undefined: not compared. */
  before?: number | null;
};

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

const FIRST = 10;
const MOST = 1000; // rows of an answer

const listOf = (answer: Breakdown | Goals | null, dimension: string): List | null => {
  if (answer === null) return null;
  if ("goals" in answer) {
    const rows = answer.goals.map(({ name, sessions, total, conversion_pct }) => ({ value: name, sessions, share: conversion_pct, events: total }));
    return dimension === "goal" ? { rows, total: rows.length } : null;
  }
  // Until it has come, what is there may be of another dimension, whose values are no filters of this one.
  return answer.dimension === dimension ? { rows: answer.rows, total: answer.total_rows } : null;
};

/** One page of the values of a dimension, and what is known of their sessions before. */
export function useList(scope: Scope, dimension: string, limit = FIRST, page = 1): Loaded<List> {
  const isGoal = dimension === "goal";
  const more = isGoal ? {} : { dimension, limit, page: page > 1 ? page : undefined };
  // The rows of now may have been anywhere before.
  const before = isGoal ? {} : { dimension, limit: limit > FIRST ? MOST : 10 * FIRST };
  const load = useBoth<Breakdown | Goals>(isGoal ? "goals" : "breakdown", scope, more, { before });
  const list = listOf(load.data?.now ?? null, dimension);
  const then = listOf(load.data?.before ?? null, dimension);
  const known = then && new Map(then.rows.map(({ value, sessions }) => [value, sessions]));
  const first = isGoal ? (page - 1) * limit : 0;
  const rows = list?.rows.slice(first, first + limit).map((row) => ({
    ...row,
    // Of one that is not among the first of many nothing is known but that it is fewer.
    before: known ? (known.get(row.value) ?? (then!.total > known.size ? null : 0)) : scope.compared ? null : undefined,
  }));
  return { ...load, data: list && { rows: rows!, total: list.total } };
}
