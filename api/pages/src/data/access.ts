/** The shapes of the API about who may see what, and whose part one has oneself. */
import { useLoad } from "./load";

export type Role = "owner" | "editor" | "viewer";

export interface Me {
  id: string;
  email: string;
  must_change_password: boolean;
}

export interface Member {
  id: string;
  account: string | null;
  email: string;
  role: Role;
  state: "member" | "invited" | "expired";
  expires_at: string | null;
}

export interface ShareLink {
  id: string;
  name: string;
  password: boolean;
  embed: boolean;
  created_at: string;
  made_by: string | null;
}

export interface Shared {
  access: string;
  site: { id: string; name: string; domain: string; timezone: string; currency: string | null; goals: number };
}

export const ROLES: [Role, string][] = [
  ["viewer", "Viewer: reads"],
  ["editor", "Editor: changes settings and share links too"],
  ["owner", "Owner: everything"],
];

/** Who is signed in; `role` on a site is null until that is known. */
export function useMe() {
  const { data } = useLoad<Me & { roles: Record<string, Role> }>("me", () => "/api/me", 0);
  return { me: data, role: (site: string): Role | null => data?.roles[site] ?? null };
}
