import * as format from "../data/format";
import { useLoad } from "../data/load";
import { REASONS } from "../data/reasons";
import type { Ledger, Site } from "../data/types";
import { Failure, Skeleton } from "../part/State";

/** What became of every accepted event of the last 30 days. */
export function Received({ site }: { site: Site }) {
  const load = useLoad<Ledger>(`ledger ${site.id}`, () => `/api/sites/${site.id}/ledger`, 0);
  return (
    <section class="panel" id="received" aria-labelledby="received-head">
      <h2 id="received-head">Received</h2>
      <p class="hinted">
        What became of every event of the last 30 days. Lines of an access log that are no pageview never get here; <code>throughline import</code> says why.
      </p>
      {load.error ? (
        <Failure error={load.error} again={load.again} />
      ) : load.data === null ? (
        <Skeleton lines={3} />
      ) : (
        <table class="plain">
          <caption class="unseen">Events received in the last 30 days, and what became of them</caption>
          <thead>
            <tr>
              <th scope="col">What became of it</th>
              <th scope="col" class="n">
                Events
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Counted</th>
              <td class="n">{format.count(load.data.counted)}</td>
            </tr>
            {Object.entries(load.data.filtered)
              .filter(([, events]) => events > 0)
              .sort(([, one], [, other]) => other - one)
              .map(([reason, events]) => (
                <tr key={reason}>
                  <th scope="row">
                    {REASONS[reason] ?? reason} <code>{reason}</code>
                  </th>
                  <td class="n">{format.count(events)}</td>
                </tr>
              ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Received</th>
              <td class="n">{format.count(load.data.received)}</td>
            </tr>
          </tfoot>
        </table>
      )}
    </section>
  );
}
