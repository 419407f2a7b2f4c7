// Orders: a dialog asks once; what the hub answered is shown, nothing else. No button is optimistic.
import { age } from "./ages.js";

const POLL_MS = 500;
const UNSEEN_POLLS = 10; // the console reads a command back from the log: it is not known at once
const FINAL = new Set(["done", "failed", "expired"]);

function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function show(output, tone, text, detail = "") {
  const icons = output.dataset.icons;
  output.replaceChildren();
  output.className = `life ${tone}`;
  output.insertAdjacentHTML("beforeend", `<svg class="icon" aria-hidden="true"><use href="${icons}#${tone}"></use></svg>`);
  const line = document.createElement("span");
  line.textContent = text;
  const small = document.createElement("small");
  small.textContent = detail;
  output.append(line, small);
}

function told(output, life) {
  const words = output.dataset;
  const tone = { sent: "info", done: "ok" }[life.state] ?? "down";
  const took = life.took_ms == null ? "" : words.after.replace("{time}", age(life.took_ms));
  const error = life.error ?? (life.commands ?? []).map((each) => each.result?.error).find(Boolean) ?? "";
  show(output, tone, `${words.action}: ${words[life.state]} ${took}`.trim(), error);
}

async function follow(output, location) {
  for (let polls = 1; ; polls += 1) {
    await new Promise((wake) => setTimeout(wake, POLL_MS));
    const answer = await fetch(location, { headers: { accept: "application/json" } });
    if (answer.status === 404 && polls < UNSEEN_POLLS) continue;
    if (!answer.ok) return show(output, "down", output.dataset.unreached);
    const life = await answer.json();
    told(output, life);
    if (FINAL.has(life.state)) return undefined;
  }
}

async function send(form) {
  const output = document.getElementById("order-life");
  output.dataset.action = form.dataset.action;
  show(output, "info", `${form.dataset.action}: ${output.dataset.sent}`);
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": csrf() },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) return show(output, "down", `${form.dataset.action}: ${output.dataset.refused}`, said.detail);
    return await follow(output, said.location);
  } catch {
    return show(output, "down", output.dataset.unreached);
  }
}

export function startOrders() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog").close();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-order]");
    if (!form) return;
    event.preventDefault();
    form.closest("dialog")?.close();
    void send(form);
  });
}
