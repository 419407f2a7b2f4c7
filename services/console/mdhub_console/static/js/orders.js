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

// What the text of a field becomes: times are those of the exchange, UTC+8, whatever the browser's are.
const KINDS = {
  text: (text) => text,
  number: Number,
  day: (text) => Number(text.replaceAll("-", "")), // 2026-11-23 -> 20261123
  moment: (text) => Date.parse(`${text}+08:00`) * 1e6, // ns
};

function asked(form) {
  const body = {};
  for (const [name, text] of new FormData(form)) {
    const kind = form.elements.namedItem(name)?.dataset?.kind ?? "text";
    if (text !== "") body[name] = KINDS[kind](text);
  }
  const address = form.getAttribute("action").replace(/\{(\w+)\}/g, (_, name) => {
    const value = encodeURIComponent(body[name] ?? "");
    delete body[name];
    return value;
  });
  return [address, body];
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
  const [address, body] = asked(form);
  try {
    const answer = await fetch(address, {
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
