/** What sessions are told apart by: the dimensions of filters and breakdowns, in words. */
import { BUCKET_NAME } from "./definitions";
import type { Filter } from "./filter";
import * as format from "./format";
import type { Bucket } from "./types";

interface Dimension {
  name: string;
  many: string;
  /** A value as it is shown. */
  written: (value: string) => string;
  /** What a filter says before its values, if not "Source is" and "Source is not". */
  says?: [string, string];
}

const as = (name: string, many: string, written = format.value, says?: [string, string]): Dimension => ({ name, many, written, says });

const KNOWN: Record<string, Dimension> = {
  source: as("Source", "Sources", format.source),
  campaign: as("Campaign", "Campaigns", format.campaign),
  medium: as("Medium", "Mediums"),
  term: as("Term", "Terms"),
  content: as("Content", "Contents"),
  channel: as("Channel", "Channels"),
  hostname: as("Hostname", "Hostnames"),
  country: as("Country", "Countries", format.country),
  region: as("Region", "Regions", format.region),
  city: as("City", "Cities"),
  device: as("Device", "Devices"),
  browser: as("Browser", "Browsers"),
  os: as("System", "Systems"),
  entry_page: as("Entry page", "Entry pages", noPage),
  exit_page: as("Exit page", "Exit pages", noPage),
  page: as("Page", "Pages", format.page, ["Viewed", "Did not view"]),
  event: as("Event", "Events", String, ["Had event", "Did not have event"]),
  goal: as("Goal", "Goals", String, ["Reached", "Did not reach"]),
  bucket: as("Visit", "Visits", (value) => BUCKET_NAME[value as Bucket] ?? value),
};

function noPage(value: string): string {
  return value === format.NONE ? "No page" : format.page(value);
}

/** Also of one that only a newer server knows. */
export const dimensionOf = (key: string): Dimension => {
  const name = key.charAt(0).toUpperCase() + key.slice(1).replaceAll("_", " ");
  return Object.hasOwn(KNOWN, key) ? KNOWN[key]! : as(name, name);
};

const either = new Intl.ListFormat("en", { type: "disjunction" });

/** "Source is" and "Google or Bing". */
export function said({ dimension, operator, values }: Filter): [string, string] {
  const { name, written, says } = dimensionOf(dimension);
  const not = operator[0] === "!";
  const like = operator[1] === "~";
  const lead = says ? says[not ? 1 : 0] : `${name} ${like ? (not ? "is not like" : "is like") : not ? "is not" : "is"}`;
  const word = (value: string) => (value === format.NONE || value === "unknown" ? value.replace(/\W/g, "") : like ? value : written(value));
  return [lead, either.format(values.map(word))];
}
