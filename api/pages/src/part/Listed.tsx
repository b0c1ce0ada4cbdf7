import type { ComponentChildren } from "preact";
import type { Loaded } from "../data/load";
import { Failure, Skeleton } from "./State";

interface Props<T> {
  load: Loaded<T[]>;
  caption: string;
  columns: string[];
  none: string;
  /** The cells of a row, the first its header; the last holds what is done to it. */
  row: (item: T) => ComponentChildren[];
}

/** A table of what one may end, row by row. */
export function Listed<T extends { id: string }>({ load, caption, columns, none, row }: Props<T>) {
  if (load.error) return <Failure error={load.error} again={load.again} />;
  if (load.data === null) return <Skeleton lines={2} />;
  if (load.data.length === 0) return <p class="nothing">{none}</p>;
  return (
    <div class="scroller">
      <table class="plain access">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">
              <span class="unseen">End</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {load.data.map((item) => {
            const [head, ...cells] = row(item);
            return (
              <tr key={item.id}>
                <th scope="row">{head}</th>
                {cells.map((cell, at) => (
                  <td key={at} data-name={columns[at + 1]} class={at === cells.length - 1 ? "n" : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
