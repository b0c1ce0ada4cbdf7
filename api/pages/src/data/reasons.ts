/** Why an event that was accepted is in no number. */
export const REASONS: Record<string, string> = {
  bot: "A crawler or a browser without a person",
  host: "A page of another host: see allowed hosts",
  excluded: "Excluded by the settings",
  late: "Sent more than a day after it happened",
  duplicate: "The same event sent again",
  flood: "Beyond 5,000 events of a visitor within a day",
  erased: "Of a visitor who was erased",
};
