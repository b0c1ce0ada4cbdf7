/** Rows of a panel as CSV (RFC 4180). */

export type Table = { head: string[]; rows: (string | number | null)[][] };

// A spreadsheet runs a cell that begins like a formula, and what visitors send ends up in these cells.
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csv = ({ head, rows }: Table): string => [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");

/** Puts a text on the clipboard, also where the page is not served over HTTPS and the browser's own way is closed. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
