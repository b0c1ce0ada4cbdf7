import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../data/api";
import { BASE, go } from "../data/route";
import { Icon } from "./Icon";

const KEY = "throughline_theme";

/** The theme chosen on this device, else the system's. */
export function applyTheme(): void {
  let theme: string | null = null;
  try {
    theme = localStorage.getItem(KEY);
  } catch {}
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}

function flipTheme(): "light" | "dark" {
  const { dataset } = document.documentElement;
  const dark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem(KEY, dataset.theme);
    document.cookie = `${KEY}=${dataset.theme}; path=${BASE}/api/docs; max-age=31536000; samesite=lax`; // that page has no scripts
  } catch {}
  dispatchEvent(new Event("throughline:theme"));
  return dataset.theme as "light" | "dark";
}

export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" />
    <path d="M5 21h5.5l4-10 4 10H27" />
    <circle cx="14.5" cy="11" r="2.9" />
  </svg>
);

/** The bar at the top of every page behind the sign-in. */
export function Top({ children }: { children?: ComponentChildren }) {
  const [, setTheme] = useState("");
  const signOut = async () => {
    await ask("/api/logout", "POST").catch(() => undefined);
    go("/login");
  };
  return (
    <header class="top">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="inner">
        <a class="brand" href="/sites">
          <Mark />
          <span>Throughline</span>
        </a>
        {children}
        <nav aria-label="Account">
          <a href="/api/docs">API</a>
          <a href="/account">Account</a>
          <button type="button" class="tool" aria-label="Switch between light and dark" title="Light or dark" onClick={() => setTheme(flipTheme())}>
            <Icon name="moon" />
          </button>
          <button type="button" class="link" onClick={signOut}>
            Sign out
          </button>
        </nav>
      </div>
    </header>
  );
}
