import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as format from "../data/format";
import { Icon } from "./Icon";
import { Pick } from "./Pick";


export interface Column<R> {
  head: string;
  cell: (row: R) => ComponentChildren;
  /** A picture, not a number. */
  picture?: boolean;
  title?: (row: R) => string;
}

interface Props<R> {
  caption: string;
  rows: (R & { campaigns: R[] })[];
  columns: Column<R>[];
  /** Sources whose campaigns are shown at first. */
  open?: string[];
}

/** Sources, each of which opens into its campaigns. */
export function Tree<R extends { key: string }>({ caption, rows, columns, open: first = [] }: Props<R>) {
  const [open, setOpen] = useState(first);
  const cells = (row: R) =>
    columns.map(({ head, cell, picture, title }) => (
      <td key={head} class={picture ? "picture" : "n"} title={title?.(row)}>
        {cell(row)}
      </td>
    ));
  return (
    <div class="scroller" tabIndex={0} role="region" aria-label={caption}>
      <table class="breakdown">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            {columns.map(({ head, picture }) => (
              <th key={head} scope="col" class={picture ? "picture" : "n"}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((source) => {
            const shown = open.includes(source.key);
            return [
              <tr key={source.key}>
                <th scope="row">
                  <div class="opened">
                    <button
                      type="button"
                      class="opener"
                      aria-expanded={shown}
                      aria-label={`Campaigns of ${format.source(source.key)}`}
                      onClick={() => setOpen(shown ? open.filter((key) => key !== source.key) : [...open, source.key])}
                    >
                      <Icon name="right" />
                    </button>
                    <Pick of={{ source: source.key }}>
                      <bdi>{format.source(source.key)}</bdi>
                    </Pick>
                  </div>
                </th>
                {cells(source)}
              </tr>,
              ...(shown
                ? source.campaigns.map((campaign) => (
                    <tr key={`${source.key} ${campaign.key}`} class="inner">
                      <th scope="row">
                        <Pick of={{ source: source.key, campaign: campaign.key }} title={campaign.key}>
                          <bdi>{format.campaign(campaign.key)}</bdi>
                        </Pick>
                      </th>
                      {cells(campaign)}
                    </tr>
                  ))
                : []),
            ];
          })}
        </tbody>
      </table>
    </div>
  );
}
