const PATH = {
  copy: "M8 8h9v11H8z M5 16V5h9",
  check: "M5 12.5l4.5 4.5L19 7.5",
  help: "M9.2 9.3a2.9 2.9 0 1 1 4.3 2.5c-1 .6-1.5 1.2-1.5 2.3 M12 17.2v.1",
  table: "M4.5 6h15v12h-15z M4.5 10.5h15 M10 10.5V18",
  chart: "M5 19V11 M10 19V6 M15 19v-6 M20 19V9",
  up: "M12 18V6 M7 11l5-5 5 5",
  down: "M12 6v12 M7 13l5 5 5-5",
  close: "M6.5 6.5l11 11 M17.5 6.5l-11 11",
  right: "M9 6l6 6-6 6",
  left: "M15 6l-6 6 6 6",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z",
  settings: "M4 8h9 M17.5 8H20 M4 16h2.5 M11 16h9 M15.3 5.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z M8.7 13.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  plus: "M12 5v14 M5 12h14",
  out: "M14 5h5v5 M19 5l-8 8 M17 14v5H5V7h5",
} as const;

export type IconName = keyof typeof PATH;

/** Decoration: whatever it stands for is said in words beside it or by its button's label. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATH[name]} />
  </svg>
);
