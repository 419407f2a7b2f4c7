// Draws ticks of several lanes on one time axis. Shape and colour of a mark say the verdict.
const LANE = 44;
const AXIS = 28;
const LEFT = 88;
const RIGHT = 12;
const SIZE = 4;
const STEPS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5];

export function clock(ms, withMs = true) { // exchange time
  return new Date(ms + 8 * 3_600_000).toISOString().slice(11, withMs ? 23 : 19);
}

// light-dark() is resolved by the browser only in a property that is used.
function painter(canvas) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) {
      canvas.style.color = `var(--${name})`;
      known.set(name, getComputedStyle(canvas).color);
      canvas.style.color = "";
    }
    return known.get(name);
  };
}

const SHAPES = {
  accept: (c, x, y) => { c.beginPath(); c.arc(x, y, SIZE, 0, 7); c.fill(); },
  duplicate: (c, x, y) => c.fillRect(x - 1, y - SIZE, 2, 2 * SIZE),
  late: (c, x, y) => { c.beginPath(); c.moveTo(x, y - SIZE - 1); c.lineTo(x + SIZE + 1, y + SIZE); c.lineTo(x - SIZE - 1, y + SIZE); c.closePath(); c.stroke(); },
  reject: (c, x, y) => { c.beginPath(); c.moveTo(x - SIZE, y - SIZE); c.lineTo(x + SIZE, y + SIZE); c.moveTo(x + SIZE, y - SIZE); c.lineTo(x - SIZE, y + SIZE); c.stroke(); },
  hold: (c, x, y) => c.strokeRect(x - SIZE, y - SIZE, 2 * SIZE, 2 * SIZE),
  settlement: (c, x, y) => c.fillRect(x - SIZE, y - SIZE, 2 * SIZE, 2 * SIZE),
  undecided: (c, x, y) => { c.beginPath(); c.arc(x, y, SIZE, 0, 7); c.stroke(); },
};

function shape(context, verdict, x, y) { (SHAPES[verdict] ?? SHAPES.undecided)(context, x, y); }

export class Lanes {
  constructor(canvas, tones) {
    this.canvas = canvas;
    this.tones = tones;
    this.lanes = [];
    this.from = 0;
    this.to = 1;
    this.repaint();
  }

  repaint() { this.paint = painter(this.canvas); } // after a change of the theme

  // Lanes: [{ name, marks: [{ ms, verdict, at }] }], marks in order.
  set(lanes) { this.lanes = lanes; }

  x(ms) { return LEFT + (ms - this.from) / (this.to - this.from || 1) * (this.width - LEFT - RIGHT); }

  ms(x) { return this.from + (x - LEFT) / (this.width - LEFT - RIGHT) * (this.to - this.from); }

  draw(from, to, cursor, chosen) {
    this.from = from;
    this.to = to;
    const { paint } = this;
    const ratio = devicePixelRatio;
    this.width = this.canvas.parentElement.clientWidth;
    const height = this.lanes.length * LANE + AXIS;
    if (this.canvas.width !== Math.round(this.width * ratio) || this.canvas.height !== height * ratio) {
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = height * ratio;
      this.canvas.style.height = `${height}px`;
    }
    const c = this.canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, this.width, height);
    c.font = "12px Inter, sans-serif";
    c.textBaseline = "middle";
    c.lineWidth = 2;
    this.axis(c, paint, height);
    this.lanes.forEach((lane, row) => this.lane(c, paint, lane, row, chosen));
    c.fillStyle = paint("accent");
    c.fillRect(this.x(cursor) - 0.75, 0, 1.5, height - AXIS);
  }

  key(canvas, verdict) { // one mark for a legend
    const colour = this.paint(this.tones[verdict] ?? "off");
    const c = canvas.getContext("2d");
    c.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    c.clearRect(0, 0, 14, 14);
    c.lineWidth = 2;
    c.fillStyle = c.strokeStyle = colour;
    shape(c, verdict, 7, 7);
  }

  axis(c, paint, height) {
    const room = (this.width - LEFT - RIGHT) / 104;
    const step = STEPS_MS.find((ms) => (this.to - this.from) / ms <= room) ?? STEPS_MS.at(-1);
    c.fillStyle = paint("muted");
    c.textAlign = "center";
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = this.x(at);
      c.fillStyle = paint("line");
      c.fillRect(x, 0, 1, height - AXIS);
      c.fillStyle = paint("muted");
      if (x > LEFT + 40 && x < this.width - 44) c.fillText(clock(at, step < 1000), x, height - AXIS / 2);
    }
  }

  lane(c, paint, lane, row, chosen) {
    const y = row * LANE + LANE / 2;
    c.fillStyle = paint("line");
    c.fillRect(LEFT, y, this.width - LEFT - RIGHT, 1);
    c.fillStyle = paint("text");
    c.textAlign = "left";
    c.fillText(lane.name, 0, y, LEFT - 8);
    for (const mark of lane.marks) {
      if (mark.ms < this.from || mark.ms > this.to) continue;
      const colour = paint(this.tones[mark.verdict] ?? "off");
      c.fillStyle = colour;
      c.strokeStyle = colour;
      shape(c, mark.verdict, this.x(mark.ms), y);
      if (mark === chosen) {
        c.strokeStyle = paint("accent");
        c.beginPath();
        c.arc(this.x(mark.ms), y, SIZE + 5, 0, 7);
        c.stroke();
      }
    }
  }
}
