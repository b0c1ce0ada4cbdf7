/** Who may see what, and whose part one has oneself. */
import { useLoad } from "./load";
import type { Role, Whoami } from "./types";

export const ROLES: [Role, string][] = [
  ["viewer", "Viewer: reads"],
  ["editor", "Editor: changes settings and share links too"],
  ["owner", "Owner: everything"],
];

/** Who is signed in; `role` on a site is null until that is known. */
export function useMe() {
  const { data } = useLoad<Whoami>("me", () => "/api/me", 0);
  return { me: data, role: (site: string): Role | null => data?.roles[site] ?? null };
}
