import { BASE, go, here } from "./route";

/** An answer other than 2xx, or none at all (`status` 0). `param` names the field at fault, `since` the first day that is
 * still kept of what was asked for. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null = null,
    readonly retryAfter = 0,
    readonly since: string | null = null,
  ) {
    super(message);
  }
}

/** Of a share link, whoever has which asks without the session's cookie. */
let bearer: string | null = null;
export const askAs = (token: string): void => {
  bearer = token;
};
export const isShared = (): boolean => bearer !== null;
/** How every request says who asks. */
export const asWhom = (): RequestInit =>
  bearer === null ? {} : { credentials: "omit", headers: { Authorization: `Bearer ${bearer}` } };

// A 401 of these is about what was typed in, or says that nobody is signed in.
const OPEN = /^\/api\/(login$|share\/|invitations\/)/;
const FIELD = /^(body\.)?(settings\.)?/;

/** Asks the API with the session's cookie. A 401 leads to the sign-in page and back. */
export async function ask<T>(path: string, method = "GET", body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(BASE + path, {
      method,
      signal,
      ...asWhom(),
      ...(body !== undefined && { headers: { "Content-Type": "application/json" } }),
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "The server cannot be reached.");
  }
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  const told = await answer.json().catch(() => null);
  if (answer.status === 401 && !isShared() && !OPEN.test(path)) {
    const { path: at, query } = here();
    if (!/^\/(login|invite)/.test(at)) go(`/login?next=${encodeURIComponent(at + (query.size ? `?${query}` : ""))}`, true);
  }
  throw new Refused(
    answer.status,
    told?.error?.message ?? `The server answered ${answer.status}.`,
    told?.error?.param?.replace(FIELD, "") ?? null,
    Number(answer.headers.get("Retry-After")) || 0,
    told?.error?.retained_until ?? null,
  );
}

/** A list is a parameter that is given several times. */
export type Parameters = Record<string, string | number | string[] | undefined>;

export const analytics = (site: string, name: string, params: Parameters): string => {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params))
    for (const each of Array.isArray(value) ? value : [value ?? ""]) if (each !== "") query.append(key, `${each}`);
  const path = name === "visitors" ? name : `analytics/${name}`;
  return `/api/sites/${encodeURIComponent(site)}/${path}${query.size ? `?${query}` : ""}`;
};
