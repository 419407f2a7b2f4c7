// One EventSource per tab. Its events become DOM events `mdhub:<topic>` on the body: islands listen to
// them, and htmx swaps fragments on them. When the stream is lost everything live is dimmed and says so.
import { clock, readClock, serverNow } from "./ages.js";

const QUIET_MS = 20_000; // the server says something at least every 15 s
const LEAST_MS = 250; // between two events of a topic: at most four a second
const latest = new Map();
let source = null;
let heardAt = 0;
let since = 0;

function say(state) {
  const body = document.body;
  if (body.dataset.link === state) return;
  body.dataset.link = state;
  const mark = document.getElementById("live-mark");
  const banner = document.getElementById("banner");
  if (!mark || !banner) return;
  mark.textContent = mark.dataset[state === "paused" ? "paused" : "live"];
  banner.hidden = state === "live" || state === "opening";
  banner.textContent = (banner.dataset[state] ?? "").replace("{at}", clock(since).slice(0, 8));
}

function heard() {
  heardAt = serverNow();
  if (document.body.dataset.link !== "paused") say("live");
}

// The browser gives up for good when the answer is no stream: if the session is over, say so.
async function failed() {
  lost();
  if (source.readyState !== EventSource.CLOSED) return;
  const answer = await fetch("/api/me").catch(() => null);
  if (answer?.status === 401) location.reload();
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

// Opens the stream; `asked`: what else it is asked for, as in an address.
function open(asked) {
  const topics = document.body.dataset.topics;
  if (!topics) return;
  source?.close();
  source = new EventSource(`/events?topics=${encodeURIComponent(topics)}${asked ? `&${asked}` : ""}`);
  source.onopen = () => { heard(); fire("open", {}); };
  source.onerror = failed;
  source.onmessage = heard;
  for (const topic of ["beat", ...topics.split(",").map((each) => each.split(":")[0])]) {
    // Rows of a log are never dropped here: islands take each of them.
    const rows = topic === "logs" || topic === "events" || topic === "skipped";
    source.addEventListener(topic, rows
      ? (event) => { heard(); fire(topic, { data: event.data, id: event.lastEventId }); }
      : (event) => dispatch(topic, event));
  }
}

export { open as reopen };

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
  setInterval(() => { if (source && serverNow() - heardAt > QUIET_MS) lost(); }, 1000);
  document.addEventListener("mdhub:pause", pause);
  document.getElementById("pause")?.addEventListener("click", pause);
  let states = new Map();
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const held = event.detail.target.querySelectorAll("[data-state]");
    states = new Map([...held].map((element) => [element.id, element.dataset.state]));
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    readClock(event.detail.target);
    flash(states, event.detail.target);
  });
  document.body.addEventListener("htmx:sendError", lost);
  document.body.addEventListener("htmx:responseError", (event) => {
    // The session is over: the login page says what to do.
    if (event.detail.xhr.status === 401) location.reload();
  });
  addEventListener("pagehide", () => source?.close());
}
