// One log line with all its facts, its address, and the lines of the same correlation.
import { moment } from "./ages.js";
import { msOf } from "./log_lines.js";

const sheet = document.getElementById("line");

function put(name, text) { document.getElementById(`line-${name}`).textContent = text || "–"; }

export function openLine(item, words) {
  put("time", moment(msOf(item)));
  put("level", item.level);
  document.getElementById("line-level").className = words[item.level] ?? "down";
  put("service", item.service);
  put("event", item.event);
  put("correlation", item.correlation_id);
  put("id", item.id);
  const fields = Object.entries(item.fields).flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = name;
    said.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
    return [term, said];
  });
  document.getElementById("line-fields").replaceChildren(...fields);
  const context = document.getElementById("line-context");
  context.hidden = !item.correlation_id;
  context.href = `/logs?text=${encodeURIComponent(item.correlation_id)}`;
  document.getElementById("line-link").href = `/logs?at=${item.id}`;
  sheet.showModal();
}
