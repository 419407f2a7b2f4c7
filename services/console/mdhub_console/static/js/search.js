// Search: `/` opens it, what is typed is answered by the server, arrows choose, enter goes there.
const WAIT_MS = 120;
let asked = 0; // answers that come late are left alone
let timer = 0;

function parts() {
  const dialog = document.getElementById("search");
  return dialog && { dialog, input: dialog.querySelector("input"), found: document.getElementById("search-found") };
}

function choose({ input, found }, option) {
  for (const each of found.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
  if (!option) return input.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  return input.setAttribute("aria-activedescendant", option.id);
}

async function ask(place) {
  asked += 1;
  const mine = asked;
  const answer = await fetch(`/search?q=${encodeURIComponent(place.input.value.trim())}`).catch(() => null);
  if (mine !== asked || !place.dialog.open) return;
  if (answer?.status === 401) location.reload();
  if (!answer?.ok) return;
  place.found.innerHTML = await answer.text();
  choose(place, place.found.querySelector("[role=option]"));
}

function pressed(event, place) {
  const options = [...place.found.querySelectorAll("[role=option]")];
  const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) {
    event.preventDefault();
    choose(place, options[(at + step + options.length) % options.length]);
  } else if (event.key === "Enter" && options[at]) {
    event.preventDefault();
    location.assign(options[at].href);
  }
}

export function openSearch() {
  const place = parts();
  if (!place || place.dialog.open) return;
  place.dialog.showModal();
  place.input.select();
  void ask(place);
}

export function startSearch() {
  const place = parts();
  if (!place) return;
  place.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(place), WAIT_MS);
  });
  place.input.addEventListener("keydown", (event) => pressed(event, place));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-search-open]")) openSearch();
    if (event.target === place.dialog) place.dialog.close(); // beside it
  });
}
