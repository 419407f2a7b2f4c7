// Accounts: a form is checked while it is filled in, an order of preference is dragged.
// Secrets stay in the page until the form is sent: a check is told only that there is one.
const STEP = 10; // between two priorities, so that one can be put in between
const touched = new Set();

async function check(form) {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const secret = form.elements[name]?.dataset?.secret !== undefined || name.startsWith("own_");
    body.append(name, secret && value ? "typed" : value);
  }
  const answer = await fetch(form.dataset.check, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  if (answer.ok) show(form, await answer.json());
}

function show(form, problems) {
  for (const line of form.querySelectorAll("[data-problem]")) {
    const name = line.dataset.problem;
    if (!touched.has(name)) continue;
    const words = problems[name] ?? "";
    if (line.textContent !== words) line.textContent = words;
    form.elements[name]?.setAttribute("aria-invalid", String(Boolean(words)));
  }
}

function changed(event) {
  const form = event.target.closest("form[data-check]");
  if (!form || !event.target.name) return;
  touched.add(event.target.name.replace(/^drop\./, ""));
  check(form).catch(() => { /* the form says it all when it is sent */ });
}

function renumber(list) {
  const rows = [...list.children];
  const step = Math.max(1, Math.min(STEP, Math.floor(1000 / rows.length)));
  rows.forEach((row, at) => {
    row.querySelector("input[type=number]").value = String(Math.min(1000, (at + 1) * step));
  });
}

function drag(list) {
  let row = null;
  list.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    if (!handle) return;
    row = handle.closest("li");
    row.classList.add("dragged");
    list.setPointerCapture(event.pointerId); // the row itself moves about
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    if (!row) return;
    const over = [...list.children].find((each) => {
      const box = each.getBoundingClientRect();
      return each !== row && event.clientY >= box.top && event.clientY < box.bottom;
    });
    if (!over) return;
    const box = over.getBoundingClientRect();
    list.insertBefore(row, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
  });
  const drop = () => {
    if (!row) return;
    row.classList.remove("dragged");
    row = null;
    renumber(list);
  };
  list.addEventListener("pointerup", drop);
  list.addEventListener("pointercancel", drop);
}

document.addEventListener("change", changed);
for (const list of document.querySelectorAll("[data-rank]")) drag(list);
