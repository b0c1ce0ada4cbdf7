/** What every module uses: short names of the browser's things, and what keeps exceptions out of the page. */

export type Handler = (event: any) => void;

export const doc = document;
export const here = location;
export const now = Date.now;

export const guard =
  (handler: Handler): Handler =>
  (event) => {
    try {
      handler(event);
    } catch {}
  };
export const on = (target: EventTarget, types: string, handler: Handler) =>
  types.split(" ").forEach((type) => target.addEventListener(type, guard(handler), true));
export const random = () => crypto.getRandomValues(new Uint32Array(3)).join("");
export const visible = () => !doc.hidden;

/**
 * JSON without the `toJSON` that a page has put on all arrays or objects (Prototype.js before 1.7), which makes texts of
 * them. A replacer is shown what came of it, and its `this` what it came from. A value's own `toJSON` stands.
 */
export const json = (value: object) =>
  JSON.stringify(value, function (this: any, key: any, made) {
    key = this[key];
    return [[], {}].some((kind: any) => kind.toJSON == key?.toJSON) ? key : made;
  });
