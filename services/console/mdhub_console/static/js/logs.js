// The page of the log lines: the newest that match, then what comes, in one virtual list.
import { msOf, readCounts, readLines, step } from "./log_lines.js";
import { openLine } from "./log_sheet.js";
import { open } from "./live.js";
import { Rows } from "./rows.js";
import { clock } from "./ages.js";

const MOST = 50_000;
const FIRST = 500;
const MORE = 1_000;
const TYPING_MS = 250;
const AGAIN_MS = 2_000;

const box = document.getElementById("lines");
const note = document.getElementById("lines-note");
const newer = document.getElementById("lines-new");
const followButton = document.getElementById("lines-follow");
const form = document.getElementById("lines-filter");
const words = box.dataset;
const at = words.line;
const chosen = { level: "", service: "", text: "" };
for (const name of Object.keys(chosen)) chosen[name] = new URLSearchParams(location.search).get(name) ?? "";

let turn = 0; // of the filter: answers for an older one are dropped
let loaded = false; // whether the list stands; until then what comes waits
let resumes = false; // whether the browser can go on where the stream ended
let waiting = [];
let newest = "";
let edges = { older: null, newer: null }; // stream ids to go on from; null = there is no more
let reading = false;
let matches = 0;
let held = 0;

const list = new Rows(box, {
  make, draw, most: MOST, follows: !at, onOpen: (item) => item.gap ?? openLine(item, words), onEdge: more,
  onFollow: () => { tellNew(); },
});

function say(word, values = {}) {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, value), words[`word${word[0].toUpperCase()}${word.slice(1)}`],
  );
}

function make() {
  const row = document.createElement("div");
  row.className = "rows-row";
  row.innerHTML = `<time></time><svg class="icon" aria-hidden="true"><use></use></svg><span class="sr"></span><span class="from"></span><span class="what"><b></b> <span></span></span>`;
  return row;
}

function draw(row, item) {
  const [time, icon, level, from, what] = row.children;
  row.className = item.gap ? "rows-row gap" : `rows-row ${words[item.level] ?? "down"}${item.id === at ? " at" : ""}`;
  time.textContent = item.gap ? "" : clock(msOf(item));
  icon.firstChild.setAttribute("href", `${words.icons}#${item.gap ? "next" : words[item.level] ?? "down"}`);
  level.textContent = item.level ?? "";
  from.textContent = `${item.service ?? ""} ${item.fields?.instance ?? ""}`;
  what.firstChild.textContent = item.gap ?? item.event;
  what.lastChild.textContent = item.gap ? "" : facts(item);
}

function facts(item) {
  return Object.entries(item.fields)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`).join(" ");
}

function paused() { return document.body.dataset.link === "paused"; }

function tellCount() {
  const values = { matches: matches.toLocaleString("en"), held: Math.max(held, matches, list.items.length).toLocaleString("en") };
  const filtered = chosen.level || chosen.service || chosen.text;
  document.getElementById("lines-count").textContent = say(filtered ? "matches" : "count", values);
}

function tellNew() {
  const count = list.fresh + (loaded ? waiting.length : 0);
  newer.hidden = !count || Boolean(at);
  newer.textContent = say("new", { n: count.toLocaleString("en") });
  followButton.setAttribute("aria-pressed", String(list.following && !paused() && !edges.newer));
}

function tellNote() {
  note.hidden = list.items.length > 0;
  note.textContent = say(held ? "none" : "nothing");
}

function put(rows) { // what came behind the newest
  const fresh = rows.filter((row) => row.gap || step(newest, row.id) < 0);
  if (!fresh.length) return;
  newest = fresh.at(-1).id ?? newest;
  const lines = fresh.filter((row) => !row.gap).length;
  matches += lines;
  held = Math.min(MOST, held + lines);
  if (list.add(fresh)) edges.older = list.items.find((item) => item.id)?.id ?? null;
  tellCount();
  tellNote();
  tellNew();
}

function came(event) {
  if (at) return;
  const { rows, skipped, exact } = JSON.parse(event.detail.data);
  resumes = true;
  if (skipped || !exact) {
    rows.unshift({ gap: say("skipped", { n: skipped.toLocaleString("en") }) + (exact ? "" : ` ${words.wordUnsure}`) });
  }
  if (loaded && !paused()) return put(rows);
  waiting.push(...rows);
  if (waiting.length > MOST) waiting.splice(0, waiting.length - MOST);
  return tellNew();
}

function goOn() { // what waited joins the list
  const rows = waiting;
  waiting = [];
  put(rows);
  tellNew();
}

async function load() {
  const mine = ++turn;
  loaded = false;
  note.hidden = list.items.length > 0;
  note.textContent = words.wordLoading;
  try {
    const [page, counts] = await Promise.all([first(), readCounts(chosen)]);
    if (mine !== turn) return;
    list.clear();
    ({ matches, held } = counts);
    show(page);
    showCounts(counts);
  } catch {
    if (mine === turn) {
      note.hidden = false;
      note.textContent = words.wordFailed;
      setTimeout(() => { if (mine === turn) void load(); }, AGAIN_MS);
    }
  }
}

async function first() {
  if (!at) return readLines(chosen, { limit: MORE });
  const before = await readLines(chosen, { before: at, limit: FIRST });
  const from = await readLines(chosen, { before: "", after: just(at), limit: FIRST });
  return { rows: [...before.rows, ...from.rows], next: before.next, newer: from.next, found: from.rows[0]?.id === at, start: before.rows.length };
}

function just(id) { // the id before it
  const [ms, seq] = id.split("-").map(Number);
  return seq ? `${ms}-${seq - 1}` : `${ms - 1}-${Number.MAX_SAFE_INTEGER}`;
}

function show(page) {
  edges = { older: page.next, newer: page.newer ?? null };
  newest = page.rows.at(-1)?.id ?? "";
  list.items = page.rows;
  loaded = true;
  if (at) {
    list.show(page.start);
    if (!page.found) { note.hidden = false; note.textContent = words.wordGone; return; }
  } else {
    list.follow(true);
    goOn();
  }
  list.stale();
  tellCount();
  tellNote();
  tellNew();
}

function showCounts(counts) {
  for (const chip of form.querySelectorAll("[data-name=service]")) {
    const number = chip.querySelector("[data-count]");
    if (number) number.textContent = (counts.services[chip.dataset.value] ?? 0).toLocaleString("en");
  }
}

async function more(edge) {
  if (reading || !loaded || !edges[edge]) return;
  reading = true;
  const mine = turn;
  try {
    const page = await readLines(chosen, edge === "older" ? { before: edges.older, limit: MORE } : { after: edges.newer, limit: MORE });
    if (mine !== turn) return;
    edges[edge] = page.next;
    if (edge === "newer") list.add(page.rows);
    else if (list.prepend(page.rows)) tellCount();
    else { edges.older = null; note.hidden = false; note.textContent = words.wordFull; }
  } catch {
    // What is shown stays; the next turn of the wheel asks again.
  } finally {
    reading = false;
  }
}

function choose(name, value) {
  if (chosen[name] === value) return;
  chosen[name] = value;
  const query = new URLSearchParams(Object.entries(chosen).filter(([, each]) => each));
  history.replaceState(null, "", query.size ? `/logs?${query}` : "/logs");
  if (at) return location.reload();
  waiting = [];
  loaded = false;
  resumes = false;
  markChips();
  query.set("recent", "0");
  return open(query.toString());
}

function markChips() {
  const services = new Set(chosen.service.split(","));
  document.getElementById("lines-clear").hidden = !Object.values(chosen).some(Boolean);
  for (const chip of form.querySelectorAll("[data-name]")) {
    const { name, value } = chip.dataset;
    const on = name === "service" ? services.has(value) : chosen[name] === value;
    if (on) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
  }
}

function chip(event) {
  const link = event.target.closest("a[data-name]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { name, value } = link.dataset;
  if (name !== "service") return choose(name, value);
  const services = new Set(chosen.service.split(",").filter(Boolean));
  if (!services.delete(value)) services.add(value);
  return choose("service", [...services].sort().join(","));
}

function download() {
  const lines = list.items.filter((item) => item.id).map((item) => JSON.stringify(item));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "application/x-ndjson" }));
  link.download = `mdhub-logs-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), AGAIN_MS);
}

function follow() {
  if (at || edges.newer) return location.assign("/logs");
  if (paused()) document.dispatchEvent(new CustomEvent("mdhub:pause"));
  return list.follow(true);
}

let typed = 0;
form.text.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => choose("text", form.text.value.trim()), TYPING_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typed);
  choose("text", form.text.value.trim());
});
form.addEventListener("click", chip);
newer.addEventListener("click", follow);
followButton.addEventListener("click", () => (list.following && !paused() ? list.follow(false) : follow()));
document.getElementById("lines-download").addEventListener("click", download);
document.body.addEventListener("mdhub:logs", came);
document.body.addEventListener("mdhub:open", () => { if (!loaded || !(resumes || at)) void load(); });
new MutationObserver(() => { if (loaded && !paused()) goOn(); tellNew(); })
  .observe(document.body, { attributeFilter: ["data-link"] });
if (document.body.dataset.link === "live") void load();
