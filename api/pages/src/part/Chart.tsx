import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";

export interface Line {
  label: string;
  values: (number | null)[];
  /** A CSS custom property with the colour. */
  colour: string;
  fill?: boolean;
  dashed?: boolean;
  bars?: boolean;
}

interface Props {
  /** What the picture shows, for those who do not see it. */
  label: string;
  lines: Line[];
  /** Text under bucket `at`. */
  tick: (at: number) => string;
  /** Rows of the box beside the pointer at bucket `at`: a head, then name and value of each line. */
  hint: (at: number) => { head: string; rows: { name: string; value: string; colour: string }[] };
  written: (value: number) => string;
  /** The bucket that is still filling: its segment is dashed. */
  open?: number;
  height?: number;
  /** Values may be less than whole. */
  fine?: boolean;
  /** Shows only these buckets, which the pointer has drawn over or pressed. */
  zoom?: (first: number, last: number) => void;
  /** Texts stand under every so many buckets, or a multiple of them. */
  every?: number;
}

/** As `rgb(…)`: a canvas does not know what light-dark() says. */
function colourOf(name: string): string {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

// Steps between the lines of the values' axis, of any size.
const STEPS = Array.from({ length: 20 }, (_, at) => [1, 2, 2.5, 5].map((step) => Number(`${step}e${at - 4}`))).flat();

/** Series over equally spaced buckets, which keeps days of 23 and 25 hours as wide as any other. */
export function Chart(props: Props) {
  const { label, lines, hint, open, height = 240, every = 1, zoom } = props;
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const drawn = useRef<{ redraw: () => void; move: (at: number) => void }>(null);
  const length = lines[0]?.values.length ?? 0;
  const [cursor, setCursor] = useState(-1);

  useEffect(() => {
    const element = frame.current!;
    const box = document.createElement("div");
    box.className = "hint";
    box.hidden = true;
    let library: typeof uPlot | null = null;
    let chart: uPlot | null = null;
    let gone = false;
    // An answer that comes while somebody draws over the chart must not take it from under the pointer.
    let [drawing, missed] = [false, false];

    const redraw = () => {
      if (drawing) {
        missed = true;
        return;
      }
      chart?.destroy();
      chart = library && draw(library, element, box, () => latest.current);
      chart?.over.addEventListener("pointerdown", () => {
        drawing = true;
      });
    };
    // After uPlot's own listener, which then has said what was selected.
    const released = () =>
      setTimeout(() => {
        drawing = false;
        if (missed && !gone) {
          missed = false;
          redraw();
        }
      });
    drawn.current = {
      redraw,
      move: (at) => chart?.setCursor({ left: chart.valToPos(at, "x"), top: chart.over.clientHeight / 2 }),
    };
    import("uplot").then(
      (module) => {
        if (gone) return;
        library = module.default;
        redraw();
      },
      () => undefined, // without a picture there is still the table
    );
    const resize = new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", redraw);
    addEventListener("throughline:theme", redraw);
    addEventListener("pointerup", released);
    addEventListener("pointercancel", released);
    return () => {
      gone = true;
      resize.disconnect();
      dark.removeEventListener("change", redraw);
      removeEventListener("throughline:theme", redraw);
      removeEventListener("pointerup", released);
      removeEventListener("pointercancel", released);
      chart?.destroy();
    };
  }, [height]);

  const shape = JSON.stringify([lines, open, every]);
  useEffect(() => drawn.current?.redraw(), [shape]);

  const go = (event: KeyboardEvent) => {
    const at = { ArrowLeft: Math.max(0, cursor - 1), ArrowRight: Math.min(length - 1, cursor + 1), Home: 0, End: length - 1 }[event.key];
    if (event.key === "Enter" && cursor >= 0) zoom?.(cursor, cursor);
    if (at === undefined) return;
    event.preventDefault();
    setCursor(at);
    drawn.current?.move(at);
  };
  const at = cursor >= 0 && cursor < length ? hint(cursor) : null;
  return (
    <div
      class="chart"
      ref={frame}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, length - 1)}
      aria-valuenow={Math.max(0, cursor)}
      aria-valuetext={at ? `${at.head}: ${at.rows.map(({ name, value }) => `${name} ${value}`).join(", ")}` : label}
      onKeyDown={go}
      style={{ minHeight: `${height}px` }}
    />
  );
}

function draw(library: typeof uPlot, element: HTMLElement, box: HTMLElement, props: () => Props): uPlot {
  const { lines, open, height = 240, every = 1, zoom } = props();
  const length = lines[0]?.values.length ?? 0;
  const data: uPlot.AlignedData = [Array.from({ length }, (_, index) => index)];
  const series: uPlot.Series[] = [{}];
  for (const line of lines) {
    const stroke = colourOf(line.colour);
    const common: uPlot.Series = {
      stroke,
      width: line.dashed ? 1.5 : 2,
      dash: line.dashed ? [4, 4] : undefined,
      fill: line.fill ? (plot) => fade(plot, stroke) : line.bars ? stroke : undefined,
      points: { show: length === 1 },
      paths: line.bars ? library.paths.bars!({ size: [0.7, 40], radius: 0.15 }) : undefined,
    };
    const split = open !== undefined && open > 1 && !line.dashed && !line.bars;
    data.push(split ? line.values.with(open, null) : line.values);
    series.push(common);
    if (split) {
      data.push(line.values.map((value, index) => (index < open - 1 ? null : value)));
      series.push({ ...common, dash: [4, 4] });
    }
  }
  const muted = colourOf("--muted");
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const texts = { stroke: muted, font, ticks: { show: false } };
  const chart = new library(
    {
      width: element.clientWidth,
      height,
      padding: [12, 30, 0, 0], // half of the last text
      legend: { show: false },
      cursor: { y: false, drag: { x: zoom !== undefined, y: false, setScale: false }, points: { size: 8, width: 2 } },
      scales: {
        x: { time: false, range: [length > 1 && !lines[0]?.bars ? 0 : -0.6, lines[0]?.bars ? length - 0.4 : Math.max(length - 1, 0.6)] },
        y: { range: (_plot, low, high) => [Math.min(0, low * 1.08), high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        {
          ...texts,
          grid: { show: false },
          gap: 8,
          size: 30,
          splits: (plot) => whole(length, plot.width, every),
          values: (_plot, splits) => splits.map((index) => props().tick(index)),
        },
        {
          ...texts,
          size: (_plot, values) => 20 + 6.6 * Math.max(4, ...(values ?? []).map((value) => value.length)),
          space: 38,
          grid: { stroke: colourOf("--line"), width: 1 },
          incrs: props().fine ? STEPS : STEPS.filter((step) => Number.isInteger(step)),
          values: (_plot, splits) => splits.map((value) => props().written(value)),
        },
      ],
      series,
      hooks: {
        setCursor: [(plot) => point(plot, box, props().hint)],
        setSelect: [(plot) => plot.select.width > 0 && props().zoom?.(...drawnOver(plot, length))],
      },
    },
    data,
    element,
  );
  chart.over.append(box);
  chart.over.addEventListener("click", (event) => {
    const at = chart.cursor.idx;
    // A finger asks what is there.
    if (at != null && (event as PointerEvent).pointerType !== "touch") props().zoom?.(at, at);
  });
  return chart;
}

/** Indices of the buckets that get a text: about one in 90 pixels, evenly. */
function whole(length: number, width: number, every: number): number[] {
  const step = Math.max(1, Math.ceil(length / Math.max(2, Math.floor(width / 90)) / every)) * every;
  return Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step);
}

/** The first and last bucket of what is selected. */
function drawnOver(plot: uPlot, length: number): [number, number] {
  const { left, width } = plot.select;
  const at = (pixel: number) => Math.min(length - 1, Math.max(0, Math.round(plot.posToVal(pixel, "x"))));
  return [at(left), at(left + width)];
}

function fade(plot: uPlot, colour: string): CanvasGradient {
  const gradient = plot.ctx.createLinearGradient(0, plot.bbox.top, 0, plot.bbox.top + plot.bbox.height);
  for (const [at, alpha] of [0.22, 0.02].entries()) gradient.addColorStop(at, colour.replace(")", ` / ${alpha})`).replaceAll(",", ""));
  return gradient;
}

function point(plot: uPlot, box: HTMLElement, hint: Props["hint"]): void {
  const { idx, left = -1 } = plot.cursor;
  box.hidden = idx == null || left < 0;
  if (box.hidden) return;
  const { head, rows } = hint(idx!);
  const title = document.createElement("strong");
  title.textContent = head;
  box.replaceChildren(
    title,
    ...rows.map(({ name, value, colour }) => {
      const row = document.createElement("div");
      const dot = document.createElement("i");
      dot.style.background = `var(${colour})`;
      const [text, number] = [document.createElement("span"), document.createElement("b")];
      text.textContent = name;
      number.textContent = value;
      row.append(dot, text, number);
      return row;
    }),
  );
  const room = plot.over.clientWidth;
  const at = plot.valToPos(idx!, "x");
  box.style.left = `${at + box.offsetWidth + 20 > room ? at - box.offsetWidth - 12 : at + 12}px`;
}
