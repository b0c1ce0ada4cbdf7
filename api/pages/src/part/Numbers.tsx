import * as format from "../data/format";
import type { Table } from "../data/csv";

const TIME = /^\d{4}-\d\d-\d\dT\d/;

/** The rows behind a picture, as a table. */
export function Numbers({ table, caption }: { table: Table; caption: string }) {
  const exact = table.head.map((_, column) => table.rows.some((row) => typeof row[column] === "number" && !Number.isInteger(row[column])));
  return (
  <div class="scroller" tabIndex={0} role="region" aria-label={`${caption}, table`}>
    <table class="numbers">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {table.head.map((name, column) => (
            <th key={name} scope="col" class={table.rows.some((row) => typeof row[column] === "number") ? "n" : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, at) => (
          <tr key={at}>
            {row.map((cell, column) =>
              column === 0 ? (
                <th key={column} scope="row">
                  {typeof cell === "string" && TIME.test(cell) ? <time dateTime={cell}>{format.local(cell)}</time> : cell}
                </th>
              ) : (
                <td key={column} class={typeof cell === "number" ? "n" : undefined}>
                  {typeof cell === "number" ? format.plain(cell, exact[column]!) : (cell ?? "–")}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
}
