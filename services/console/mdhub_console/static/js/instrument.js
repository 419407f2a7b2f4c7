// The chart of one contract: the line of clean prices, refused ticks as hollow marks. Drawn by uPlot.
const HEIGHT = 220;
const MOST = 4_000; // dots; the oldest make room
const OUTSIDE = 0.25; // of the range of clean prices: refused ones beyond it stand at the edge
const HOLLOW = { reject: "down", hold: "warn" };
const box = document.getElementById("chart");
const said = document.getElementById("chart-said");
let dots = [];
let chart = null;
let shown = [];
let busy = false;

// light-dark() is resolved by the browser only in a property that is used.
function paint(name) {
  box.style.color = `var(--${name})`;
  const found = getComputedStyle(box).color;
  box.style.color = "";
  return found;
}

function clock(ms, withMs = false) {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(11, withMs ? 23 : 19);
}

function price(value) { return value.toFixed(Number(box.dataset.places)); }

function columns() {
  const clean = dots.filter((dot) => !dot.verdict).map((dot) => dot.last);
  const low = Math.min(...clean);
  const high = Math.max(...clean);
  const room = (high - low || Math.abs(high) * 0.001 || 1) * OUTSIDE;
  const edge = (last) => (clean.length ? Math.min(high + room, Math.max(low - room, last)) : last);
  shown = [...dots].sort((a, b) => a.recv_ns - b.recv_ns);
  const of = (fits) => shown.map((dot) => (fits(dot) ? edge(dot.last) : null));
  return [
    shown.map((dot) => dot.recv_ns / 1e9),
    of((dot) => !dot.verdict),
    of((dot) => HOLLOW[dot.verdict] === "down"),
    of((dot) => HOLLOW[dot.verdict] === "warn"),
  ];
}

function marks(name, square) {
  const draw = (plot, at) => {
    const { ctx } = plot;
    const size = 4.5 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = paint(name);
    ctx.lineWidth = 2 * devicePixelRatio;
    for (let i = 0; i < plot.data[at].length; i += 1) {
      if (plot.data[at][i] == null) continue;
      const x = plot.valToPos(plot.data[0][i], "x", true);
      const y = plot.valToPos(plot.data[at][i], "y", true);
      ctx.beginPath();
      if (square) ctx.rect(x - size, y - size, 2 * size, 2 * size);
      else ctx.arc(x, y, size, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.restore();
    return false; // uPlot draws none itself
  };
  return { stroke: paint(name), paths: () => null, points: { show: draw, size: 0 } };
}

function tell(plot) {
  const dot = shown[plot.cursor.idx ?? -1];
  const verdict = dot && (box.dataset[dot.verdict || "accept"] ?? dot.verdict);
  said.textContent = dot
    ? `${clock(dot.recv_ns / 1e6, true)} · ${price(dot.last)} · ${dot.source} · ${verdict}${dot.reason ? `: ${dot.reason}` : ""}`
    : "";
}

function make() {
  chart?.destroy();
  const axis = { stroke: paint("muted"), grid: { stroke: paint("line"), width: 1 }, ticks: { show: false }, font: "12px Inter, sans-serif" };
  chart = new uPlot({
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { show: false }, drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => { const pad = (high - low || Math.abs(high) * 0.001 || 1) * 0.08; return [low - pad, high + pad]; } } },
    axes: [
      { ...axis, space: 90, values: (_, at) => at.map((s) => clock(s * 1000)) },
      { ...axis, size: 72, values: (_, at) => at.map((value) => String(Number(value.toFixed(6)))) },
    ],
    series: [
      {},
      { stroke: paint("s0"), width: 1.5, spanGaps: true, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
      marks("down", false),
      marks("warn", true),
    ],
    hooks: { setCursor: [tell] },
  }, columns(), box);
}

function draw() {
  if (dots.length === 0) return;
  document.getElementById("chart-none")?.remove();
  if (chart) chart.setData(columns());
  else make();
}

async function more() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const after = dots.length ? `?after=${dots.at(-1).id}` : "";
    const answer = await fetch(box.dataset.prices + after, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const found = (await answer.json()).dots;
    if (found.length) {
      dots = [...dots, ...found].slice(-MOST);
      draw();
    }
  } catch {
    // live.js says that the console does not answer
  } finally {
    busy = false;
  }
}

function start() {
  new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
  new MutationObserver(() => { if (chart) make(); })
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (chart) make(); });
  document.body.addEventListener("mdhub:instrument", more);
  document.addEventListener("visibilitychange", more);
  void more();
}

start();
