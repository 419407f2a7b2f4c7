// Ages tick in place, four times a second, by the server's clock. <time data-at="unix ms">.
const EVERY_MS = 250;
let aheadMs = 0; // the server's clock less ours

export function age(ms) { // as pages/formats.py `duration`
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 99.5) return `${s.toFixed(0)} s`;
  if (s < 5970) return `${(s / 60).toFixed(0)} min`;
  if (s < 172800) return `${(s / 3600).toFixed(1)} h`;
  return `${(s / 86400).toFixed(0)} d`;
}

export function countdown(ms) { // as pages/formats.py `countdown`
  const s = Math.max(0, Math.floor(ms / 1000));
  const text = [s % 86400 / 3600, s / 60 % 60, s % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
  return s >= 86400 ? `${Math.floor(s / 86400)} d ${text}` : text;
}

export function clock(ms) { // exchange time, UTC+8, whatever the browser's zone is
  return zoned(ms).slice(11, 23);
}

export function moment(ms) { // as pages/formats.py `moment`, with milliseconds
  return `${zoned(ms).slice(0, 23).replace("T", " ")} +08:00`;
}

function zoned(ms) { return new Date(ms + 8 * 3_600_000).toISOString(); }

export function serverNow() { return Date.now() + aheadMs; }

export function readClock(root) {
  const said = root.querySelector("[data-now]");
  if (said) aheadMs = Number(said.dataset.now) - Date.now();
}

export function startAges() {
  readClock(document);
  setInterval(() => {
    if (document.hidden || document.body.dataset.link === "paused") return;
    const now = serverNow();
    for (const element of document.querySelectorAll("[data-at]")) {
      const text = age(now - Number(element.dataset.at));
      if (element.textContent !== text) element.textContent = text;
    }
  }, EVERY_MS);
}
