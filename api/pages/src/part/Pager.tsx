import * as format from "../data/format";
import { withQuery } from "../data/route";

interface Props {
  page: number;
  last: number;
  total: number;
  /** What the pages are of, one and several. */
  one: string;
  many: string;
  /** The parameter of the address that says which page it is. */
  at: string;
  back?: string;
  on?: string;
}

/** From page to page of a list. */
export const Pager = ({ page, last, total, one, many, at, back = "Previous", on = "Next" }: Props) => (
  <nav class="pager" aria-label={`Pages of ${many}`}>
    {page > 1 && (
      <a class="button quiet" href={withQuery({ [at]: page > 2 ? String(Math.min(page - 1, last)) : null })}>
        {back}
      </a>
    )}
    <span>
      Page {format.count(page)} of {format.count(last)} · {format.count(total)} {total === 1 ? one : many}
    </span>
    {page < last && (
      <a class="button quiet" href={withQuery({ [at]: String(page + 1) })}>
        {on}
      </a>
    )}
  </nav>
);
