// The one virtual list: tens of thousands of rows of one height, of which those in sight are in the page.
// A row is whatever `draw(element, item)` paints; elements are used again, none is made while scrolling.
const AHEAD = 12; // rows drawn above and below what is seen

export class Rows {
  constructor(box, { make, draw, most, follows, onOpen, onEdge, onFollow }) {
    Object.assign(this, { box, make, draw, most, follows, onOpen, onEdge, onFollow });
    this.items = [];
    this.base = 0; // number of items[0]: rows keep their number when others come or go before them
    this.pool = [];
    this.active = null; // number of the chosen row
    this.following = follows;
    this.fresh = 0; // rows that came while nobody followed
    this.asked = false;
    this.space = document.createElement("div");
    this.space.className = "rows-space";
    this.space.setAttribute("role", "presentation");
    box.append(this.space);
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    box.addEventListener("keydown", (event) => this.pressed(event));
    box.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => this.measure()).observe(box);
    this.measure();
  }

  get end() { return this.base + this.items.length; }

  clear() {
    this.items = [];
    this.base = 0;
    this.active = null;
    this.fresh = 0;
    this.stale();
  }

  // Newer rows; the oldest make room. Returns how many did.
  add(items) {
    for (const item of items) this.items.push(item);
    const over = Math.max(0, this.items.length - this.most);
    if (over) this.items.splice(0, over);
    this.base += over;
    if (!this.following) {
      this.fresh += items.length;
      if (over) this.box.scrollTop -= over * this.height; // what is read stays where it is
    }
    this.ask();
    return over;
  }

  // Older rows; returns whether there was room.
  prepend(items) {
    if (this.items.length + items.length > this.most) return false;
    this.items = items.concat(this.items);
    this.base -= items.length;
    this.size();
    this.box.scrollTop += items.length * this.height;
    this.ask();
    return true;
  }

  follow(on) {
    if (on) this.fresh = 0;
    this.following = on && this.follows;
    this.onFollow();
    this.ask();
  }

  // Bring a row to the middle and choose it.
  show(index) {
    this.follow(false);
    this.active = this.base + index;
    this.size();
    this.box.scrollTop = index * this.height - this.box.clientHeight / 2;
    this.stale();
  }

  measure() {
    const height = parseFloat(getComputedStyle(this.box).getPropertyValue("--row-height")) || 20;
    const need = Math.ceil(this.box.clientHeight / height) + 2 * AHEAD;
    if (height === this.height && need <= this.pool.length) return this.ask();
    const top = this.height ? this.box.scrollTop / this.height : 0;
    this.height = height;
    while (this.pool.length < need) this.pool.push(this.element());
    this.size();
    this.box.scrollTop = top * height;
    return this.stale();
  }

  element() {
    const element = this.make();
    element.setAttribute("role", "option");
    element.setAttribute("aria-setsize", "-1"); // it grows all the time
    element.hidden = true;
    this.space.append(element);
    return { element, number: null, top: null, chosen: null };
  }

  stale() { // every row is drawn anew
    for (const slot of this.pool) slot.number = null;
    this.ask();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.render(); });
  }

  size() { this.space.style.height = `${this.items.length * this.height}px`; }

  render() {
    this.size();
    if (this.following) this.box.scrollTop = this.items.length * this.height;
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - AHEAD);
    const wanted = new Set();
    for (let at = 0; at < this.pool.length; at += 1) wanted.add(this.base + first + at);
    for (const number of wanted) {
      const slot = this.pool[((number % this.pool.length) + this.pool.length) % this.pool.length];
      const index = number - this.base;
      const { element } = slot;
      if (index >= this.items.length) {
        element.hidden = true;
        slot.number = null;
        continue;
      }
      if (slot.number !== number) {
        slot.number = number;
        element.hidden = false;
        element.id = `${this.box.id}-${number}`;
        element.setAttribute("aria-posinset", index + 1);
        this.draw(element, this.items[index]);
      }
      this.place(slot, index * this.height, number === this.active);
    }
    const chosen = this.active !== null && wanted.has(this.active);
    if (chosen) this.box.setAttribute("aria-activedescendant", `${this.box.id}-${this.active}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  place(slot, top, chosen) { // touches nothing that is as it was
    if (slot.top !== top) slot.element.style.transform = `translateY(${top}px)`;
    if (slot.chosen !== chosen) slot.element.setAttribute("aria-selected", String(chosen));
    Object.assign(slot, { top, chosen });
  }

  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    const left = scrollHeight - scrollTop - clientHeight;
    const atEnd = this.follows && left < this.height;
    if (this.items.length && atEnd !== this.following) this.follow(atEnd);
    if (this.items.length && scrollTop < clientHeight) this.onEdge("older");
    if (this.items.length && left < clientHeight) this.onEdge("newer");
    this.ask();
  }

  pressed(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.ctrlKey || event.metaKey || event.altKey || !this.items.length) return;
    if (event.key === "Enter" && this.active !== null) this.onOpen(this.items[this.active - this.base]);
    else if (event.key in steps) this.choose(steps[event.key]);
    else if (event.key === " ") document.dispatchEvent(new CustomEvent("mdhub:pause"));
    else return;
    event.preventDefault();
  }

  choose(step) {
    const bottom = Math.floor((this.box.scrollTop + this.box.clientHeight) / this.height);
    const from = this.active === null ? Math.min(bottom, this.items.length) : this.active - this.base;
    const index = Math.min(this.items.length - 1, Math.max(0, from + step));
    this.follow(step === Infinity);
    this.active = this.base + index;
    const top = index * this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const under = top + this.height - this.box.clientHeight;
    if (under > this.box.scrollTop) this.box.scrollTop = under;
    this.ask();
  }

  clicked(event) {
    const element = event.target.closest("[role=option]");
    const slot = this.pool.find((each) => each.element === element);
    if (!slot || slot.number === null || getSelection()?.type === "Range") return;
    this.active = slot.number;
    this.ask();
    this.onOpen(this.items[slot.number - this.base]);
  }
}
