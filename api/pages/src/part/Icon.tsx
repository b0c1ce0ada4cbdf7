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
  sun: "M12 8.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6z M12 3v2 M12 19v2 M3 12h2 M19 12h2 M5.6 5.6l1.5 1.5 M16.9 16.9l1.5 1.5 M5.6 18.4l1.5-1.5 M16.9 7.1l1.5-1.5",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z M12 3.5v3 M12 17.5v3 M3.5 12h3 M17.5 12h3 M6 6l2.1 2.1 M15.9 15.9L18 18 M6 18l2.1-2.1 M15.9 8.1L18 6",
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
