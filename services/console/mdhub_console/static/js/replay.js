// The replay: pages of GET /api/replay, lanes on one axis, a cursor that steps and plays.
import { Lanes, clock } from "./lanes.js";

const MOST = 20_000; // raw ticks
const PAGE = 2_000;
const SIZES = new Set(["volume", "turnover", "open_interest"]);
const NO_VALUE = 1e300; // CTP's DBL_MAX
const root = document.getElementById("replay");
const words = root.dataset;
const said = document.getElementById("replay-said");
const stage = document.getElementById("stage");
const speed = document.getElementById("speed");
const zoom = document.getElementById("zoom");
const form = document.getElementById("replay-form");
const tones = {};
for (const name of ["accept", "duplicate", "late", "reject", "hold", "settlement", "undecided"]) {
  tones[name] = words[`tone${name[0].toUpperCase()}${name.slice(1)}`];
}
const lanes = new Lanes(document.getElementById("lanes"), tones);
let marks = []; // raw ticks of all sources, in order
let names = [];
let cleans = [];
let at = 0; // which of them
let cursor = 0; // UTC ms
let playing = 0;

function camel(name) { return name[0].toUpperCase() + name.slice(1).replace(/_./g, (part) => part[1].toUpperCase()); }
function verdict(name) { return words[`verdict${camel(name)}`] ?? name; }

function span() { // what is shown
  const [first, last] = [marks[0].ms, marks.at(-1).ms];
  const wide = Number(zoom.value) * 1000;
  if (!wide || wide >= last - first) {
    const room = Math.max(50, (last - first) * 0.01);
    return [first - room, last + room];
  }
  return [cursor - wide / 2, cursor + wide / 2];
}

function number(value, field) {
  if (value == null || Math.abs(value) >= NO_VALUE) return "–";
  if (SIZES.has(field)) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(12)));
}

function text(tick, field) {
  if (field === "bids" || field === "asks") {
    const best = tick[field][0];
    return best && best[0] != null && Math.abs(best[0]) < NO_VALUE ? `${number(best[0])} × ${number(best[1], "volume")}` : "–";
  }
  if (field === "update_time") {
    return tick.ts_ns ? clock(tick.ts_ns / 1e6) : `${tick.update_time}.${String(tick.update_ms).padStart(3, "0")}`;
  }
  return number(tick[field], field);
}

function cell(tag, content, className = "num") {
  const element = document.createElement(tag);
  element.className = className;
  if (content instanceof Node) element.append(content);
  else element.textContent = content;
  return element;
}

function chip(name) {
  const found = document.createElement("span");
  found.className = `status ${tones[name] ?? "off"}`;
  found.insertAdjacentHTML("beforeend", `<svg class="icon" aria-hidden="true"><use href="${words.icons}#${tones[name] ?? "off"}"></use></svg>`);
  found.append(verdict(name));
  return found;
}

function line(label, of, newest, here, clean) {
  const row = document.createElement("tr");
  row.append(cell("td", label, ""), cell("td", clean ? of(clean, true) : "–"));
  for (const name of names) {
    const mark = newest.get(name);
    row.append(cell("td", mark ? of(mark.row, false) : "–", mark && mark === here ? "num here" : "num"));
  }
  return row;
}

// What was known at the cursor: the newest tick of each source and the newest clean one.
function beside() {
  const here = marks[at];
  const newest = new Map();
  for (let i = at; i >= 0 && newest.size < names.length; i -= 1) {
    if (!newest.has(marks[i].row.tick.source)) newest.set(marks[i].row.tick.source, marks[i]);
  }
  const clean = cleans.findLast((row) => row.tick.recv_ns / 1e6 <= here.ms);
  const table = document.getElementById("beside");
  const head = document.createElement("tr");
  head.append(cell("th", words.field, ""), cell("th", words.clean));
  for (const name of names) head.append(cell("th", name, "num mono"));
  const rows = [
    line(words.verdict, (row, isClean) => (isClean ? "–" : chip(row.verdict)), newest, here, clean),
    line(words.reason, (row) => row.reason || "–", newest, here, clean),
    line(words.received, (row) => clock(row.tick.recv_ns / 1e6), newest, here, clean),
  ];
  for (const field of ["update_time", "last", "volume", "turnover", "open_interest", "bids", "asks", "high", "low"]) {
    rows.push(line(words[`field${camel(field)}`], (row) => text(row.tick, field), newest, here, clean));
  }
  const body = document.createElement("tbody");
  body.append(...rows);
  const top = document.createElement("thead");
  top.append(head);
  table.replaceChildren(top, body);
}

function draw() {
  if (!marks.length) return;
  lanes.draw(...span(), cursor, marks[at]);
  document.getElementById("replay-at").textContent = `${clock(cursor)} · ${at + 1}/${marks.length}`;
}

function go(to) {
  at = Math.max(0, Math.min(marks.length - 1, to));
  cursor = marks[at].ms;
  draw();
  beside();
}

const STEPS = {
  first: () => go(0),
  back: () => go(at - 1),
  on: () => go(at + 1),
  last: () => go(marks.length - 1),
  odd: () => {
    const next = marks.findIndex((mark, i) => i > at && !["accept", "duplicate"].includes(mark.verdict));
    if (next >= 0) go(next);
  },
};

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  const button = document.getElementById("play");
  button.textContent = words.play;
  button.setAttribute("aria-pressed", "false");
}

function play() {
  if (playing) return stop();
  if (at >= marks.length - 1) go(0);
  const button = document.getElementById("play");
  button.textContent = words.stop;
  button.setAttribute("aria-pressed", "true");
  let before = performance.now();
  const on = (now) => {
    cursor += (now - before) * Number(speed.value);
    before = now;
    let next = at;
    while (next + 1 < marks.length && marks[next + 1].ms <= cursor) next += 1;
    if (next !== at) { at = next; beside(); }
    draw();
    if (at >= marks.length - 1) return stop();
    playing = requestAnimationFrame(on);
  };
  playing = requestAnimationFrame(on);
  return undefined;
}

function legend() {
  const counts = new Map();
  for (const mark of marks) counts.set(mark.verdict, (counts.get(mark.verdict) ?? 0) + 1);
  const box = document.getElementById("lane-legend");
  box.replaceChildren();
  for (const [name, count] of counts) {
    const entry = document.createElement("span");
    const drawn = document.createElement("canvas");
    drawn.width = 14 * devicePixelRatio;
    drawn.height = 14 * devicePixelRatio;
    drawn.style.width = drawn.style.height = "14px";
    drawn.dataset.verdict = name;
    entry.append(drawn, `${verdict(name)} `, Object.assign(document.createElement("b"), { textContent: count.toLocaleString("en-US") }));
    box.append(entry);
    lanes.key(drawn, name);
  }
}

// As much around the cursor as can be told apart.
function fitting() {
  const dense = Math.max(...names.map((name) => marks.filter((mark) => mark.row.tick.source === name).length));
  const room = stage.clientWidth / 10;
  const long = (marks.at(-1).ms - marks[0].ms) / 1000;
  if (dense <= room) return "0";
  const wide = [...zoom.options].map((option) => Number(option.value)).filter((s) => s && s * dense / long <= room);
  return String(Math.max(...wide, Math.min(...[...zoom.options].map((option) => Number(option.value)).filter(Boolean))));
}

function show(raw, clean, cut) {
  cleans = clean;
  marks = raw.map((row) => ({ ms: row.tick.recv_ns / 1e6, verdict: row.verdict, row })).sort((a, b) => a.ms - b.ms);
  names = [...new Set(raw.map((row) => row.tick.source))].sort();
  lanes.set([
    ...names.map((name) => ({ name, marks: marks.filter((mark) => mark.row.tick.source === name) })),
    { name: words.clean, marks: clean.map((row) => ({ ms: row.tick.recv_ns / 1e6, verdict: "accept" })) },
  ]);
  said.textContent = words.loaded.replace("{raw}", raw.length.toLocaleString("en-US")).replace("{clean}", clean.length.toLocaleString("en-US"))
    + (cut ? ` ${words.cut.replace("{n}", MOST.toLocaleString("en-US"))}` : "");
  document.getElementById("replay-body").hidden = false;
  zoom.value = fitting();
  legend();
  go(0);
}

async function load(contract, begin, end) {
  const raw = [];
  const clean = [];
  said.textContent = words.loading;
  for (let next = begin; next !== null;) {
    const query = new URLSearchParams({ contract, from: next, to: end, limit: PAGE });
    const answer = await fetch(`/api/replay?${query}`, { headers: { accept: "application/json" } });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.detail ?? answer.status);
    raw.push(...found.raw);
    clean.push(...found.clean);
    next = found.next_ms;
    const share = next === null ? 100 : Math.floor(100 * (next - begin) / (end - begin));
    said.textContent = `${words.loading} ${share} %`;
    if (raw.length >= MOST) return show(raw, clean, next !== null);
  }
  if (!raw.length) {
    said.textContent = words.nothing;
    return undefined;
  }
  return show(raw, clean, false);
}

async function suggest(text) {
  const answer = await fetch(`/api/instruments?limit=20&text=${encodeURIComponent(text)}`);
  if (!answer.ok) return;
  const list = document.getElementById("replay-names");
  list.replaceChildren(...(await answer.json()).rows.map((row) => {
    const option = document.createElement("option");
    option.value = row.exchange ? `${row.symbol}.${row.exchange}` : row.symbol;
    return option;
  }));
}

function asked() {
  const begin = Date.parse(`${form.elements.begin.value.trim().replace(" ", "T")}+08:00`);
  return [form.elements.contract.value.trim(), begin, begin + Number(form.elements.seconds.value) * 1000];
}

function begin() {
  const [contract, from, to] = asked();
  stop();
  marks = [];
  document.getElementById("replay-body").hidden = true;
  load(contract, from, to)
    .catch((error) => { said.textContent = words.failed.replace("{why}", error.message); })
    .finally(() => root.classList.remove("loading")); // what is below the card stays where it is till then
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [contract, from] = asked();
  const query = new URLSearchParams({ contract, from, seconds: form.elements.seconds.value });
  history.replaceState(null, "", `/replay?${query}`);
  begin();
});
form.elements.contract.addEventListener("input", (event) => void suggest(event.target.value));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (button && marks.length) { stop(); STEPS[button.dataset.step](); }
});
document.getElementById("play").addEventListener("click", play);
zoom.addEventListener("change", draw);
stage.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last", n: "odd" }[event.key];
  if (step) { stop(); STEPS[step](); } else if (event.key === " ") play(); else return;
  event.preventDefault();
});
stage.addEventListener("click", (event) => {
  if (!marks.length) return;
  stop();
  const ms = lanes.ms(event.clientX - stage.getBoundingClientRect().left);
  go(marks.reduce((best, mark, i) => (Math.abs(mark.ms - ms) < Math.abs(marks[best].ms - ms) ? i : best), 0));
});
new ResizeObserver(draw).observe(stage);
new MutationObserver(() => { lanes.repaint(); if (marks.length) { legend(); draw(); } })
  .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
if (words.contract) begin();
