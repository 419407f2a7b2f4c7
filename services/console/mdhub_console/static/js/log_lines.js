// Log lines by the API: pages of them, and how many there are.

export async function readLines(chosen, { before = "", after = "", limit }) {
  const page = await answer("/api/logs", { ...chosen, before, after, limit: String(limit) });
  if (!after) page.rows.reverse(); // the API gives the newest first
  return page;
}

export function readCounts(chosen) {
  return answer("/api/logs/counts", chosen);
}

// Milliseconds of a line: its nanoseconds are more than a number here holds, off by 128 at most.
export function msOf(line) { return Math.floor(line.ts_ns / 1e6 + 1e-3); }

// Order of two stream ids: less than 0 if the first is older.
export function step(one, other) {
  const [ms, seq] = one.split("-").map(Number);
  const [ms2, seq2] = other.split("-").map(Number);
  return ms - ms2 || (seq || 0) - seq2;
}

async function answer(path, params) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value));
  const said = await fetch(`${path}?${query}`, { headers: { accept: "application/json" } });
  if (said.status === 401) location.reload(); // the session is over: the login page says what to do
  if (!said.ok) throw new Error(`${path}: ${said.status}`);
  return said.json();
}
