/**
 * The tracking script. What it promises: one pageview a page, every event kept until the server has answered, the same
 * id on every retry, and no exception in the page whatever happens. What it sends and the options of its tag are
 * described in docs/script.md.
 *
 * An event of the page (page.ts) or of its pageview (view.ts) waits in queue.ts until transport.ts has had it answered.
 */
import { read } from "./option";
import { wait } from "./page";
import { open } from "./queue";

try {
  if (read()) {
    open();
    wait();
  }
} catch {}
