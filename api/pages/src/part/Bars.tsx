import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as format from "../data/format";
import { Delta } from "./Delta";
import { Icon } from "./Icon";
import { Pick } from "./Pick";

export interface Bar {
  key: string;
  label: ComponentChildren;
  value: number;
  /** More columns, already written out. */
  more?: ComponentChildren[];
  /** The values that it stands for, by dimension: a filter when pressed. */
  of?: Record<string, string>;
  /** Where else it leads. */
  to?: { address: string; name: string };
  title?: string;
  /** Its value before; null: not known, undefined in all: not compared. */
  before?: number | null;
}

interface Props {
  name: string;
  /** Heads of the number columns: the value's, then those of `more`. */
  columns: string[];
  bars: Bar[];
  caption: string;
  written?: (value: number) => string;
  /** The numbers are long, as amounts of money are. */
  long?: boolean;
  /** Rows shown before "show all". */
  first?: number;
}

/** A table whose rows have their share of the largest as a bar behind the label. */
export function Bars({ name, columns, bars, caption, written = format.count, long, first = 10 }: Props) {
  const [all, showAll] = useState(false);
  const largest = Math.max(1, ...bars.map((bar) => bar.value));
  const shown = all ? bars : bars.slice(0, first);
  const compared = bars.some(({ before }) => before !== undefined);
  return (
    <>
      <table class={`bars${long ? " long" : ""}${compared && columns.length > 1 ? " compared" : ""}`}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            {columns.map((column) => (
              <th key={column} scope="col" class="n">
                {column}
              </th>
            ))}
            {compared && (
              <th scope="col" class="n">
                Change
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((bar) => (
            <tr key={bar.key}>
              <th scope="row">
                <span class="bar" style={{ width: `${Math.max(0, (bar.value / largest) * 100)}%` }} />
                <div class="opened">
                  <span class="label" title={bar.title ?? bar.key}>
                    {bar.of ? <Pick of={bar.of} title={bar.title ?? bar.key}>{bar.label}</Pick> : bar.label}
                  </span>
                  {bar.to && (
                    <a class="tool" href={bar.to.address} aria-label={bar.to.name} title={bar.to.name}>
                      <Icon name="chart" />
                    </a>
                  )}
                </div>
              </th>
              <td class="n">{written(bar.value)}</td>
              {bar.more?.map((cell, at) => (
                <td key={at} class="n more">
                  {cell}
                </td>
              ))}
              {compared && (
                <td class="n more">
                  <Delta now={bar.value} before={bar.before ?? null} written={written} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {bars.length > first && (
        <button type="button" class="link" aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? "Show fewer" : `Show all ${format.count(bars.length)}`}
        </button>
      )}
    </>
  );
}
