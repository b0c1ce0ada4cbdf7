import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";

interface Props<L> {
  lines: L[];
  onLines: (lines: L[]) => void;
  /** What a new one begins as, and what its button says. */
  blank: L;
  add: string;
  /** What the button says that takes out number `n`. */
  remove: (n: number) => string;
  error: string | null;
  look?: string;
  /** The fields of number `n`. */
  children: (line: L, set: (change: Partial<L>) => void, n: number) => ComponentChildren;
}

/** Rows of fields, to which one more can be added and each of which can be removed. */
export const Lines = <L extends object>({ lines, onLines, blank, add, remove, error, look = "lines", children }: Props<L>) => (
  <>
    <ul class={look}>
      {lines.map((line, at) => (
        <li key={at}>
          {children(line, (change) => onLines(lines.with(at, { ...line, ...change })), at + 1)}
          <button type="button" class="tool" aria-label={remove(at + 1)} title={remove(at + 1)} onClick={() => onLines(lines.toSpliced(at, 1))}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
    {error && (
      <p class="wrong" role="alert">
        {error}
      </p>
    )}
    <button type="button" class="button quiet" onClick={() => onLines([...lines, blank])}>
      <Icon name="plus" />
      {add}
    </button>
  </>
);
