import { useEffect, useRef } from "preact/hooks";
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
  /** Shows only these buckets, which the pointer has drawn over or pressed. */
  zoom?: (first: number, last: number) => void;
  /** Texts stand under every so many buckets, or a multiple of them. */
  every?: number;
}

const colourOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Series over equally spaced buckets, which keeps days of 23 and 25 hours as wide as any other. */
export function Chart({ label, lines, tick, hint, written, open, height = 240, zoom, every = 1 }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef({ tick, hint, written, zoom });
  latest.current = { tick, hint, written, zoom };

  const shape = lines.map((line) => `${line.label}${line.colour}`).join() + open + lines[0]?.values.length + every;
  const values = JSON.stringify(lines.map((line) => line.values));

  useEffect(() => {
    const element = frame.current!;
    const box = document.createElement("div");
    box.className = "hint";
    box.hidden = true;

    const draw = (library: typeof uPlot) => {
      const length = lines[0]?.values.length ?? 0;
      const at = Array.from({ length }, (_, index) => index);
      const data: uPlot.AlignedData = [at];
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
      const chart = new library(
        {
          width: element.clientWidth,
          height,
          padding: [12, 16, 0, 0],
          legend: { show: false },
          cursor: { y: false, drag: { x: zoom !== undefined, y: false, setScale: false }, points: { size: 8, width: 2 } },
          scales: {
            x: { time: false, range: [length > 1 && !lines[0]?.bars ? 0 : -0.6, lines[0]?.bars ? length - 0.4 : Math.max(length - 1, 0.6)] },
            y: { range: (_plot, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] },
          },
          axes: [
            {
              stroke: muted,
              font,
              grid: { show: false },
              ticks: { show: false },
              gap: 8,
              size: 30,
              splits: (plot) => whole(length, plot.width, every),
              values: (_plot, splits) => splits.map((index) => latest.current.tick(index)),
            },
            {
              stroke: muted,
              font,
              size: 52,
              space: 38,
              grid: { stroke: colourOf("--line"), width: 1 },
              ticks: { show: false },
              incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1e3, 2e3, 2500, 5e3, 1e4, 2e4, 25e3, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6],
              values: (_plot, splits) => splits.map((value) => latest.current.written(value)),
            },
          ],
          series,
          hooks: {
            setCursor: [(plot) => point(plot, box, latest.current.hint)],
            setSelect: [(plot) => plot.select.width > 0 && latest.current.zoom?.(...drawnOver(plot, length))],
          },
        },
        data,
        element,
      );
      chart.over.append(box);
      chart.over.addEventListener("click", (event) => {
        const at = chart.cursor.idx;
        // A finger asks what is there.
        if (at != null && (event as PointerEvent).pointerType !== "touch") latest.current.zoom?.(at, at);
      });
      return chart;
    };

    let library: typeof uPlot | null = null;
    let chart: uPlot | null = null;
    const redraw = () => {
      chart?.destroy();
      chart = library && draw(library);
    };
    let gone = false;
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
    return () => {
      gone = true;
      resize.disconnect();
      dark.removeEventListener("change", redraw);
      removeEventListener("throughline:theme", redraw);
      chart?.destroy();
    };
  }, [shape, values, height]);

  return <div class="chart" ref={frame} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />;
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
  gradient.addColorStop(0, `${colour}38`);
  gradient.addColorStop(1, `${colour}05`);
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
