// One EventSource per tab. Its events become DOM events `mdhub:<topic>` on the body: islands listen to
// them, and htmx swaps fragments on them. When the stream is lost everything live is dimmed and says so.
import { clock, readClock, serverNow } from "./ages.js";

const QUIET_MS = 20_000; // the server says something at least every 15 s
const LEAST_MS = 250; // between two events of a topic: at most four a second
const FIRST_PAUSE_MS = 1_000; // before the stream is opened anew; doubles up to the longest
const LONGEST_PAUSE_MS = 30_000;
const latest = new Map();
let source = null;
let asked = ""; // what the stream is asked for beside its topics
let lastId = ""; // where it goes on
let attempts = 0; // to open it, since it was open
let again = 0; // timer of the next one
let heardAt = 0; // by the server's clock, to be shown
let quietSince = 0; // by a clock that nobody sets
let since = 0;

function say(state) {
  const body = document.body;
  if (body.dataset.link === state) return;
  body.dataset.link = state;
  const mark = document.getElementById("live-mark");
  const banner = document.getElementById("banner");
  if (!mark || !banner) return;
  mark.textContent = mark.dataset[state] ?? mark.dataset.live;
  banner.hidden = state === "live" || state === "opening";
  banner.textContent = (banner.dataset[state] ?? "").replace("{at}", clock(since).slice(0, 8));
}

function heard() {
  heardAt = serverNow();
  quietSince = performance.now();
  if (!["paused", "old"].includes(document.body.dataset.link)) say("live");
}

// The stream runs, but what it makes the page ask for is refused: a database is away, or what the page
// is about is gone. What stands is of then, and says so, until an answer comes.
function refused({ detail }) {
  if (detail.xhr.status === 401) return location.reload(); // the login page says what to do
  const asked = detail.requestConfig.triggeringEvent?.type ?? "";
  if (!asked.startsWith("mdhub:") || document.body.dataset.link !== "live") return undefined;
  since = serverNow();
  return say("old");
}

// An answer that is no stream (503, a proxy's 502) ends an EventSource for good, and a connection that
// died unnoticed never ends: both are opened anew here, unless the session is over.
async function failed(failing) {
  lost();
  if (failing !== source || failing.readyState !== EventSource.CLOSED || again) return;
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts++);
  again = setTimeout(connect, pause * (0.5 + Math.random() / 2));
  const answer = await fetch("/api/me").catch(() => null);
  if (answer?.status === 401) location.reload();
}

function watch() {
  if (!source || again || performance.now() - quietSince <= QUIET_MS) return;
  source.close();
  void failed(source);
}

function lost() {
  if (document.body.dataset.link === "paused") return;
  if (document.body.dataset.link !== "lost") since = heardAt || serverNow();
  say("lost");
}

// The newest event of a topic wins; the first goes at once, the others wait their turn.
function dispatch(topic, event) {
  heard();
  const detail = { data: event.data, id: event.lastEventId };
  const waiting = latest.get(topic);
  if (waiting) {
    waiting.detail = detail;
    return;
  }
  fire(topic, detail);
  const turn = { detail: null };
  latest.set(topic, turn);
  setTimeout(() => {
    latest.delete(topic);
    if (turn.detail) fire(topic, turn.detail);
  }, LEAST_MS);
}

function fire(topic, detail) {
  if (document.body.dataset.link === "paused" && topic !== "logs" && topic !== "open") return;
  document.body.dispatchEvent(new CustomEvent(`mdhub:${topic}`, { detail }));
}

// Opens the stream; `wanted`: what else it is asked for, as in an address. It begins anew.
export function open(wanted) {
  [asked, lastId, attempts] = [wanted ?? "", "", 0];
  connect();
}

function connect() {
  const topics = document.body.dataset.topics;
  if (!topics) return;
  clearTimeout(again);
  again = 0;
  source?.close();
  quietSince = performance.now();
  const query = new URLSearchParams(asked);
  query.set("topics", topics);
  if (lastId) query.set("cursors", lastId);
  const mine = source = new EventSource(`/events?${query}`);
  mine.onopen = () => { attempts = 0; heard(); fire("open", {}); };
  mine.onerror = () => failed(mine);
  mine.addEventListener("beat", heard);
  for (const topic of topics.split(",").map((each) => each.split(":")[0])) {
    // Rows of a log are never dropped here: islands take each of them.
    const rows = topic === "logs" || topic === "events";
    mine.addEventListener(topic, (event) => {
      lastId = event.lastEventId;
      if (!rows) return dispatch(topic, event);
      heard();
      return fire(topic, { data: event.data, id: event.lastEventId });
    });
  }
}


function pause() {
  const paused = document.body.dataset.link === "paused";
  since = serverNow();
  say(paused ? "live" : "paused");
  if (paused) document.body.dispatchEvent(new CustomEvent("mdhub:health", { detail: null }));
}

function flash(before, after) {
  // What changed its state is shown once; numbers never flash.
  for (const element of after.querySelectorAll("[data-state]")) {
    const was = before.get(element.id);
    if (was !== undefined && was !== element.dataset.state) {
      element.classList.add("changed");
      setTimeout(() => element.classList.remove("changed"), 1300);
    }
  }
}

export function startLive() {
  heardAt = serverNow();
  open(document.body.dataset.stream);
  setInterval(watch, 1000);
  document.addEventListener("mdhub:pause", pause);
  document.getElementById("pause")?.addEventListener("click", pause);
  let states = new Map();
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const held = event.detail.target.querySelectorAll("[data-state]");
    states = new Map([...held].map((element) => [element.id, element.dataset.state]));
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    readClock(event.detail.target);
    if (document.body.dataset.link === "old") say("live");
    flash(states, event.detail.target);
  });
  document.body.addEventListener("htmx:sendError", lost);
  document.body.addEventListener("htmx:responseError", refused);
  addEventListener("pagehide", () => { clearTimeout(again); source?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
}
