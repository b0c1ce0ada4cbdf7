// Builds ingest/static/t.js and api/static/: the shell, and assets whose names carry a hash of their content.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const SCRIPT_LIMIT = 3_000;
const PAGES_LIMIT = 90_000; // scripts and styles, those that come later included
const size = (bytes) => gzipSync(bytes, { level: 9 }).length;

await mkdir(at("../../ingest/static"), { recursive: true });
await build({
  entryPoints: [at("../../ingest/script/t.ts")],
  outfile: at("../../ingest/static/t.js"),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  tsconfigRaw: {}, // strict mode would say so in the file, and throw where a page has frozen what the script wraps
  logLevel: "warning",
});
const script = size(await readFile(at("../../ingest/static/t.js")));

await rm(at("../static"), { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { app: at("src/main.tsx"), style: at("src/style/index.css"), icon: at("src/icon.svg") },
  outdir: at("../static/assets"),
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  splitting: true, // charts come with the first chart
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file", ".svg": "copy" },
  legalComments: "linked",
  logLevel: "warning",
});

const files = Object.keys(metafile.outputs).map((path) => basename(path));
const named = (pattern) => files.find((name) => pattern.test(name));
const shell = (await readFile(at("src/index.html"), "utf8"))
  .replace("{font}", named(/\.woff2$/))
  .replace("{style}", named(/^style-.*\.css$/))
  .replace("{app}", named(/^app-.*\.js$/))
  .replace("{icon}", named(/^icon-.*\.svg$/));
await writeFile(at("../static/index.html"), shell);

const served = files.filter((name) => /\.(js|css)$/.test(name));
const assets = await Promise.all(served.map((name) => readFile(at(`../static/assets/${name}`))));
const pages = assets.reduce((sum, bytes) => sum + size(bytes), 0);

console.log(`t.js ${script} bytes, pages ${pages} bytes (gzip -9)`);
if (script > SCRIPT_LIMIT || pages > PAGES_LIMIT) {
  console.error(`over the limit of ${SCRIPT_LIMIT} and ${PAGES_LIMIT} bytes`);
  process.exit(1);
}
