/** Filters as the API's parameter `filter` has them, which is how the address bar holds them too. */
import { go, withQuery } from "./route";

export interface Filter {
  dimension: string;
  operator: "==" | "!=" | "=~" | "!~";
  values: string[];
}

/** What the API takes at most. */
const [FILTERS, ALTERNATIVES, LENGTH] = [10, 50, 400];

/** null: not a filter, which is the API's to say. */
export function parseFilter(text: string): Filter | null {
  const found = /^([a-z_]+)(==|!=|=~|!~)(.+)$/s.exec(text);
  if (!found) return null;
  const values = [""];
  for (const [part] of found[3]!.matchAll(/\\[|\\]|[^]/g)) {
    if (part === "|") values.push("");
    else values.push(values.pop()! + part.slice(-1));
  }
  return { dimension: found[1]!, operator: found[2] as Filter["operator"], values };
}

export const writeFilter = ({ dimension, operator, values }: Filter): string =>
  dimension + operator + values.map((value) => value.replace(/[\\|]/g, "\\$&")).join("|");

export const show = (filters: string[]): void => go(withQuery({ filter: filters }));

export const of = (dimension: string) => (text: string) => parseFilter(text)?.dimension === dimension;
export const oneOf = (dimension: string) => (text: string) => parseFilter(text)?.operator === "==" && of(dimension)(text);

export const has = (filters: string[], dimension: string, value: string): boolean =>
  filters.some((text) => oneOf(dimension)(text) && parseFilter(text)!.values.includes(value));

/** With the value as one more alternative of its dimension, or without it if it is one. null: there is no room for it. */
export function toggled(filters: string[], dimension: string, value: string): string[] | null {
  const at = filters.findIndex(oneOf(dimension));
  if (!value.trim() || value.length > LENGTH) return null;
  if (at < 0) return filters.length < FILTERS ? [...filters, writeFilter({ dimension, operator: "==", values: [value] })] : null;
  const { values } = parseFilter(filters[at]!)!;
  const next = values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
  if (next.length === 0) return filters.toSpliced(at, 1);
  return next.length <= ALTERNATIVES ? filters.with(at, writeFilter({ dimension, operator: "==", values: next })) : null;
}

/** The same filter the other way round. */
export function negated(text: string): string {
  const filter = parseFilter(text);
  if (!filter) return text;
  const operator = `${filter.operator[0] === "!" ? "=" : "!"}${filter.operator[1]}` as Filter["operator"];
  return writeFilter({ ...filter, operator });
}
