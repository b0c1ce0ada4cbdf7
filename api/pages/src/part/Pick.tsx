import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import { said } from "../data/dimensions";
import * as format from "../data/format";
import { has, show, toggled } from "../data/filter";

/** The filters that are set, as the API takes them. */
export const Filters = createContext<string[]>([]);

/** A value that becomes a filter when it is pressed, and no longer is one when pressed again. */
export function Pick({ of, title, children }: { of: Record<string, string>; title?: string; children: ComponentChildren }) {
  const filters = useContext(Filters);
  const pairs = Object.entries(of);
  const on = pairs.every(([dimension, value]) => has(filters, dimension, value));
  let next: string[] | null = filters;
  for (const [dimension, value] of pairs)
    if (next && (on || !has(next, dimension, value))) next = value === format.OTHER ? null : toggled(next, dimension, value);
  const why = pairs.map(([, value]) => format.explained(value)).find(Boolean);
  if (next === null) return <bdi title={why ?? title}>{children}</bdi>;
  const words = pairs.map(([dimension, value]) => said({ dimension, operator: "==", values: [value] }).join(" ")).join(", ");
  return (
    <button type="button" class="pick" aria-pressed={on} title={on ? `Remove the filter: ${words}` : `${(why ?? title) ? `${why ?? title} – ` : ""}Filter: ${words}`} onClick={() => show(next)}>
      <bdi>{children}</bdi>
    </button>
  );
}

/** Lets the whole row of a value be pressed; its button is what keyboards and screen readers use. */
export function pickRow(event: MouseEvent): void {
  const target = event.target as Element;
  if (target.closest("a, button, input, label, select") || !getSelection()?.isCollapsed) return;
  target.closest("tr, li")?.querySelector<HTMLButtonElement>("button.pick")?.click();
}
