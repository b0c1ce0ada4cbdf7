import * as format from "../data/format";
import { Icon } from "./Icon";

interface Props {
  /** null: not known. */
  now: number | null;
  before: number | null;
  /** The number before, as its title says it. */
  written?: (n: number) => string;
  /** More of it is worse. */
  inverse?: boolean;
}

/** How a number changed against the period that it is compared with: in per cent of it, a share in points. */
export function Delta({ now, before, written = format.count, inverse }: Props) {
  if (now === null || before === null) return <span class="change">–</span>;
  const share = written === format.percent;
  if (before === 0 && (now === 0 || !share)) return <span class="change">{now === 0 ? "no change" : "new"}</span>;
  const change = share ? now - before : ((now - before) / Math.abs(before)) * 100;
  const level = Math.abs(change) < 0.05;
  return (
    <span class={`change ${level ? "" : change > 0 !== Boolean(inverse) ? "good" : "bad"}`} title={`${written(before)} before`}>
      {!level && <Icon name={change > 0 ? "up" : "down"} />}
      <span class="unseen">{level ? "" : change > 0 ? "up " : "down "}</span>
      {share ? `${format.decimal(Math.abs(change))} pp` : Math.abs(change) > 999 ? `>${format.count(999)}%` : format.percent(Math.abs(change))}
    </span>
  );
}
