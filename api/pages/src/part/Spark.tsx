/** Seven days as a line, in SVG, dotted where the last is not over; the numbers are in its label. */
export function Spark({ values, label }: { values: number[]; label: string }) {
  const top = Math.max(1, ...values);
  const points = values.map((value, at) => [(at / Math.max(1, values.length - 1)) * 200, 44 - (value / top) * 38] as const);
  const path = (some: typeof points) => some.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  return (
    <svg class="spark" viewBox="0 0 200 48" preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="area" d={`${path(points)}L200 48L0 48Z`} />
      <path class="line" d={path(points.slice(0, -1))} vector-effect="non-scaling-stroke" />
      <path class="line today" d={path(points.slice(-2))} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
