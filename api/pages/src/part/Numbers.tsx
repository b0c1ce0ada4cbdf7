import * as format from "../data/format";
import type { Table } from "../data/csv";

/** The rows behind a picture, as a table. */
export const Numbers = ({ table, caption }: { table: Table; caption: string }) => (
  <div class="scroller" tabIndex={0} role="region" aria-label={`${caption}, table`}>
    <table class="numbers">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {table.head.map((name) => (
            <th key={name} scope="col">
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
                  {cell}
                </th>
              ) : (
                <td key={column} class={typeof cell === "number" ? "n" : undefined}>
                  {typeof cell === "number" ? format.count(cell) : cell}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
