/** What the script's tag says, and the global that the page calls. */
import { doc, here } from "./base";

export let option: DOMStringMap;
export let endpoint: URL;
export let stub: Throughline;

/** Reads the tag; false where the script has nothing to do: without a site, beside itself, in tests and at home. */
export const read = (): boolean | void => {
  const script = (doc.currentScript || doc.querySelector("script[data-site],script[src*=site_]")) as HTMLScriptElement;
  const address = new URL(script.src, here.origin);
  option = { ...Object.fromEntries(address.searchParams), ...script.dataset };
  stub = window.throughline || { track() {} };
  if (option.site && !stub.on) {
    stub.on = 1;
    window.throughline = stub;
    endpoint = new URL(option.api || "e", (option.api ? here : address) as URL);
    return (
      option.allow == "local" ||
      !(/^(|(.*\.)?local(host)?|127\..+|\[.+)$/.test(here.hostname) || navigator.webdriver || "Cypress" in window)
    );
  }
};
