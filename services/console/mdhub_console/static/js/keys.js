// Keys: / search, g and the letter of a page in the header, ? help, space pauses, esc closes.
import { openSearch } from "./search.js";

const CHORD_MS = 1200;
let chordUntil = 0;

function writing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function help() {
  document.getElementById("keys")?.showModal();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    return;
  }
  if (writing(event.target) || document.querySelector("dialog[open]")) return;
  const place = performance.now() < chordUntil && /^[a-z]$/.test(event.key)
    ? document.querySelector(`#nav a[data-key="${event.key}"]`) : null;
  chordUntil = event.key === "g" ? performance.now() + CHORD_MS : 0;
  if (place) {
    event.preventDefault();
    location.assign(place.href);
  } else if (event.key === "/") {
    event.preventDefault();
    openSearch();
  } else if (event.key === "?") {
    help();
  } else if (event.key === " " && !event.target.closest("button, a, summary, [tabindex]")) {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("mdhub:pause"));
  }
}

export function startKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) help();
  });
}
