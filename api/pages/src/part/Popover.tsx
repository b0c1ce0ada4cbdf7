import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  /** What its button says. */
  name: ComponentChildren;
  label: string;
  pressed?: boolean;
  class?: string;
  children: (close: () => void) => ComponentChildren;
}

/** A button with a box under it that closes when something else is pressed. */
export function Popover({ name, label, pressed, class: look, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  // Not after the next frame: who is quick presses a key before it.
  useLayoutEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("keydown", away);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", away);
      removeEventListener("pointerdown", away);
    };
  }, [open]);
  return (
    <div class="popped" ref={box}>
      <button type="button" class={look} aria-pressed={pressed} aria-expanded={open} onClick={() => setOpen(!open)}>
        {name}
      </button>
      {open && (
        <div class="popover" role="group" aria-label={label}>
          {children(() => setOpen(false))}
        </div>
      )}
    </div>
  );
}
