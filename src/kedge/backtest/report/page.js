// The charts and tables of a Kedge report. No library, no network: canvas for curves, the page's own tables sorted.
// All charts share one time range; drag selects a part of it, shift and drag moves it, double click shows all.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const fonts = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  const charts = [];
  const times = [data.equity.t, ...data.prices.map((chart) => chart.t)].filter((list) => list.length);
  if (!times.length) return sortable();
  const first = Math.min(...times.map((list) => list[0]));
  const last = Math.max(...times.map((list) => list[list.length - 1]), first + 1);
  let from = first, to = last, cursor = null, market = data.equity.shown;

  const MINUTE = 60e3, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const STEPS = [1e3, 5e3, 15e3, 30e3, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120];
  const NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const two = (number) => String(number).padStart(2, "0");

  function moment(ms, fine) {
    const at = new Date(ms);
    const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    return fine ? `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}` : day;
  }

  function timeTicks(count) {
    const wanted = (to - from) / count;
    const step = STEPS.find((size) => size >= wanted);
    const found = [];
    if (step) {
      for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
        const date = new Date(at);
        const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
        const day = `${date.getUTCDate()} ${NAMES[date.getUTCMonth()]}`;
        found.push([at, step >= DAY || at % DAY === 0 ? day : step < MINUTE ? `${clock}:${two(date.getUTCSeconds())}` : clock]);
      }
      return found;
    }
    const months = MONTHS.find((size) => size * 30 * DAY >= wanted) || 120;
    const start = new Date(from);
    for (let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months; ; month += months) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (at > to) return found;
      if (at >= from) found.push([at, month % 12 ? `${NAMES[month % 12]}` : `${Math.floor(month / 12)}`]);
    }
  }

  function valueTicks(low, high, count) {
    const wanted = (high - low) / count || Math.abs(high) || 1;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= wanted * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(at);
    return [found, step];
  }

  function shown(value, step) {
    const places = Math.min(8, Math.max(0, -Math.floor(Math.log10(step || 1) + 1e-9)));
    return (value + 0).toLocaleString("en-US", { signDisplay: "negative", minimumFractionDigits: places, maximumFractionDigits: places });
  }
  const price = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 8 });

  function place(list, at) { // the last place whose time is not after `at`
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] <= at) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  class Chart {
    constructor(host, height, pad) {
      this.host = host;
      this.height = height;
      this.pad = pad;
      this.canvas = host.querySelector("canvas");
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      host.append(this.tip);
      this.canvas.style.height = `${height}px`;
      this.pen = this.canvas.getContext("2d");
      this.listen();
      charts.push(this);
      new ResizeObserver(() => { if (this.width !== this.host.clientWidth) this.size(); }).observe(host);
    }

    size() {
      const scale = window.devicePixelRatio || 1;
      this.width = this.host.clientWidth;
      this.canvas.width = Math.round(this.width * scale);
      this.canvas.height = Math.round(this.height * scale);
      this.pen.setTransform(scale, 0, 0, scale, 0, 0);
      this.draw();
    }

    x(at) { return ((at - from) / (to - from)) * (this.width - this.pad); }
    time(x) { return from + (Math.min(Math.max(x, 0), this.width - this.pad) / (this.width - this.pad)) * (to - from); }
    visible(list) { return [Math.max(0, place(list, from)), Math.min(list.length - 1, place(list, to) + 1)]; }

    pane(top, height, low, high, format) { // grid and axis of a stretch of the canvas; gives value -> y
      const pen = this.pen;
      const y = (value) => top + height - ((value - low) / (high - low || 1)) * height;
      const [ticks, step] = valueTicks(low, high, Math.max(2, height / 48));
      pen.font = fonts;
      pen.textBaseline = "middle";
      pen.textAlign = "left";
      pen.lineWidth = 1;
      for (const tick of ticks) {
        pen.strokeStyle = color("grid");
        pen.beginPath();
        pen.moveTo(0, Math.round(y(tick)) + 0.5);
        pen.lineTo(this.width - this.pad, Math.round(y(tick)) + 0.5);
        pen.stroke();
        pen.fillStyle = color("soft");
        pen.fillText(format(tick, step), this.width - this.pad + 8, y(tick));
      }
      return y;
    }

    clock(bottom) {
      const pen = this.pen;
      pen.textAlign = "center";
      pen.textBaseline = "top";
      pen.fillStyle = color("soft");
      for (const [at, label] of timeTicks(Math.max(2, this.width / 110))) {
        const x = Math.round(this.x(at)) + 0.5;
        if (x < 14 || x > this.width - this.pad - 14) continue;
        pen.fillText(label, x, bottom + 7);
      }
    }

    line(list, values, y, stroke, width, fill, base) {
      const pen = this.pen;
      const [start, end] = this.visible(list);
      pen.save();
      pen.beginPath();
      pen.rect(0, 0, this.width - this.pad, this.height);
      pen.clip();
      pen.beginPath();
      for (let at = start; at <= end; at++) pen.lineTo(this.x(list[at]), y(values[at]));
      pen.strokeStyle = stroke;
      pen.lineWidth = width;
      pen.lineJoin = "round";
      pen.stroke();
      if (fill && end >= start) {
        pen.lineTo(this.x(list[end]), base);
        pen.lineTo(this.x(list[start]), base);
        pen.closePath();
        pen.fillStyle = fill;
        pen.fill();
      }
      pen.restore();
    }

    draw() {
      if (!this.width) return;
      this.pen.clearRect(0, 0, this.width, this.height);
      this.paint();
      if (this.dragged) {
        const [a, b] = this.dragged;
        this.pen.fillStyle = color("shade");
        this.pen.fillRect(Math.min(a, b), 0, Math.abs(a - b), this.height - 26);
      }
      if (cursor !== null) {
        const x = Math.round(this.x(cursor)) + 0.5;
        this.pen.strokeStyle = color("faint");
        this.pen.setLineDash([3, 3]);
        this.pen.beginPath();
        this.pen.moveTo(x, 0);
        this.pen.lineTo(x, this.height - 26);
        this.pen.stroke();
        this.pen.setLineDash([]);
      }
    }

    say(x, lines) {
      this.tip.replaceChildren(...lines.flatMap(([label, value], number) => {
        const bold = document.createElement("b");
        bold.textContent = value;
        return [...(number ? [document.createElement("br")] : []), label ? `${label} ` : "", bold];
      }));
      this.tip.style.display = "block";
      const width = this.tip.offsetWidth;
      this.tip.style.left = `${x + 14 + width > this.width - this.pad ? Math.max(0, x - width - 14) : x + 14}px`;
    }

    listen() {
      const canvas = this.canvas;
      let start = null, moving = null;
      const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button || event.pointerType === "touch") return;
        canvas.setPointerCapture(event.pointerId);
        if (event.shiftKey) moving = [at(event), from, to]; else start = at(event);
      });
      canvas.addEventListener("pointermove", (event) => {
        const x = at(event);
        if (moving) {
          const shift = ((moving[0] - x) / (this.width - this.pad)) * (moving[2] - moving[1]);
          return show(moving[1] + shift, moving[2] + shift);
        }
        if (start !== null) this.dragged = [start, Math.min(x, this.width - this.pad)];
        cursor = this.time(x);
        redraw();
        this.tell(x);
      });
      canvas.addEventListener("pointerup", (event) => {
        if (start !== null && Math.abs(at(event) - start) > 5) {
          const ends = [this.time(start), this.time(at(event))].sort((a, b) => a - b);
          this.dragged = null;
          show(...ends);
        }
        start = moving = this.dragged = null;
        redraw();
      });
      canvas.addEventListener("pointerleave", () => {
        cursor = null;
        this.tip.style.display = "none";
        redraw();
      });
      canvas.addEventListener("dblclick", () => show(first, last));
      canvas.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        zoom(Math.exp(event.deltaY / 300), this.time(at(event)));
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const move = { ArrowLeft: -0.2, ArrowRight: 0.2 }[event.key];
        if (move) show(from + move * (to - from), to + move * (to - from));
        else if (event.key === "+" || event.key === "=") zoom(0.6);
        else if (event.key === "-") zoom(1 / 0.6);
        else if (event.key === "0") show(first, last);
        else return;
        event.preventDefault();
      });
    }
  }

  class EquityChart extends Chart {
    constructor(host) { super(host, 400, 84); }

    paint() {
      const { t, v, d } = data.equity;
      const m = market ? data.equity.m : null;
      const [start, end] = this.visible(t);
      let low = Infinity, high = -Infinity, deep = -0.0001;
      for (let at = start; at <= end; at++) {
        low = Math.min(low, v[at], m ? m[at] : v[at]);
        high = Math.max(high, v[at], m ? m[at] : v[at]);
        deep = Math.min(deep, d[at]);
      }
      const room = (high - low) * 0.05 || Math.abs(high) * 0.01 || 1;
      const y = this.pane(8, 250, low - room, high + room, shown);
      if (low - room < data.initial && data.initial < high + room) {
        this.pen.strokeStyle = color("faint");
        this.pen.setLineDash([2, 4]);
        this.pen.beginPath();
        this.pen.moveTo(0, y(data.initial));
        this.pen.lineTo(this.width - this.pad, y(data.initial));
        this.pen.stroke();
        this.pen.setLineDash([]);
      }
      if (m) this.line(t, m, y, color("market"), 1.2);
      this.line(t, v, y, color("accent"), 1.7, color("shade"), 258);
      const under = this.pane(286, 86, deep * 1.08, 0, (tick, step) => `${shown(tick * 100, step * 100)}%`);
      this.pen.globalAlpha = 0.2;
      this.line(t, d, under, "transparent", 1, color("down"), 286);
      this.pen.globalAlpha = 1;
      this.line(t, d, under, color("down"), 1.2);
      this.clock(374);
    }

    tell(x) {
      const { t, v, d, m } = data.equity;
      const at = Math.max(0, place(t, this.time(x)));
      const lines = [["", `${moment(t[at], true)} UTC`], ["Equity", shown(v[at], 0.01)], ["Drawdown", `${(d[at] * 100).toFixed(2)}%`]];
      if (m) lines.push(["Market held", shown(m[at], 0.01)]);
      this.say(x, lines);
    }
  }

  class PriceChart extends Chart {
    constructor(host, of) {
      super(host, 360, 84);
      this.of = of;
    }

    merged() { // bars in sight, as many as there is room for
      const { t, o, h, l, c } = this.of;
      const [start, end] = this.visible(t);
      const size = Math.max(1, Math.ceil((end - start + 1) / ((this.width - this.pad) / 4)));
      const found = [];
      for (let at = start - (start % size); at <= end; at += size) {
        const stop = Math.min(at + size, t.length);
        let high = h[at], low = l[at];
        for (let other = at + 1; other < stop; other++) {
          if (h[other] > high) high = h[other];
          if (l[other] < low) low = l[other];
        }
        found.push([t[at], o[at], high, low, c[stop - 1]]);
      }
      return found;
    }

    paint() {
      const bars = this.merged();
      let low = Infinity, high = -Infinity;
      for (const bar of bars) {
        high = Math.max(high, bar[2]);
        low = Math.min(low, bar[3]);
      }
      const room = (high - low) * 0.08 || Math.abs(high) * 0.01 || 1;
      const y = this.pane(8, 322, low - room, high + room, shown);
      const pen = this.pen;
      pen.save();
      pen.beginPath();
      pen.rect(0, 0, this.width - this.pad, 334);
      pen.clip();
      this.of.ofCloses ? this.closes(bars, y) : this.candles(bars, y);
      this.trips(y);
      this.fills(y);
      pen.restore();
      this.clock(334);
    }

    closes(bars, y) {
      const pen = this.pen;
      pen.beginPath();
      for (const bar of bars) {
        const x = this.x(bar[0]);
        pen.lineTo(x, y(bar[1]));
        if (bar[2] !== bar[3]) {
          pen.lineTo(x, y(bar[2]));
          pen.lineTo(x, y(bar[3]));
          pen.lineTo(x, y(bar[4]));
        }
      }
      pen.strokeStyle = color("soft");
      pen.lineWidth = 1.2;
      pen.stroke();
    }

    candles(bars, y) {
      const pen = this.pen;
      const step = bars.length > 1 ? (this.x(bars[bars.length - 1][0]) - this.x(bars[0][0])) / (bars.length - 1) : 12;
      const wide = Math.max(1, Math.min(14, step * 0.7));
      pen.lineWidth = 1;
      for (const [t, o, h, l, c] of bars) {
        const x = this.x(t) + step / 2;
        pen.strokeStyle = pen.fillStyle = color(c >= o ? "up" : "down");
        pen.beginPath();
        pen.moveTo(x, y(h));
        pen.lineTo(x, y(l));
        pen.stroke();
        if (wide > 1.5) pen.fillRect(x - wide / 2, Math.min(y(o), y(c)), wide, Math.max(1, Math.abs(y(o) - y(c))));
      }
    }

    trips(y) {
      const seen = this.of.trips.filter((trip) => trip[2] >= from && trip[0] <= to);
      if (seen.length > 400) return;
      const pen = this.pen;
      pen.lineWidth = 1.3;
      pen.setLineDash([4, 3]);
      for (const [entry, bought, exit, sold, won] of seen) {
        pen.strokeStyle = color(won ? "up" : "down");
        pen.beginPath();
        pen.moveTo(this.x(entry), y(bought));
        pen.lineTo(this.x(exit), y(sold));
        pen.stroke();
      }
      pen.setLineDash([]);
    }

    fills(y) {
      const { ft, fp, fs } = this.of;
      const pen = this.pen;
      const [start, end] = this.visible(ft);
      const size = end - start > 300 ? 3 : 5;
      pen.strokeStyle = color("card");
      pen.lineWidth = 1;
      for (let at = start; at <= end; at++) {
        const x = this.x(ft[at]), level = y(fp[at]), way = fs[at] ? 1 : -1;
        pen.fillStyle = color(fs[at] ? "up" : "down");
        pen.beginPath();
        pen.moveTo(x, level + way * 2);
        pen.lineTo(x - size, level + way * (2 + size * 1.6));
        pen.lineTo(x + size, level + way * (2 + size * 1.6));
        pen.closePath();
        pen.fill();
        pen.stroke();
      }
    }

    tell(x) {
      const { t, ft, fp, fs, fq, ofCloses } = this.of;
      const bars = this.merged();
      const at = this.time(x);
      const bar = bars[Math.max(0, place(bars.map((found) => found[0]), at))];
      const lines = [["", `${moment(bar[0], true)} UTC`]];
      if (!ofCloses) lines.push(["Open", price(bar[1])], ["High", price(bar[2])], ["Low", price(bar[3])]);
      lines.push(["Close", price(bar[4])]);
      const reach = ((to - from) / (this.width - this.pad)) * 6;
      const near = [];
      for (let fill = Math.max(0, place(ft, at - reach)); fill < ft.length && ft[fill] <= at + reach; fill++) {
        if (ft[fill] >= at - reach) near.push([fs[fill] ? "Buy" : "Sell", `${fq[fill]} @ ${price(fp[fill])}`]);
      }
      lines.push(...near.slice(0, 6));
      if (near.length > 6) lines.push(["", `and ${near.length - 6} fills more`]);
      if (t.length) this.say(x, lines);
    }
  }

  function redraw() { for (const chart of charts) chart.draw(); }

  function show(low, high) {
    const width = Math.min(Math.max(high - low, 1000), last - first);
    from = Math.min(Math.max(low, first), last - width);
    to = from + width;
    redraw();
  }

  function zoom(factor, about) {
    const middle = about === undefined ? (from + to) / 2 : about;
    show(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  function sortable() {
    for (const table of document.querySelectorAll("table.sort")) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
        const numeric = head.classList.contains("num") || head.dataset.kind === "number";
        const rows = [...table.tBodies[0].rows].sort((a, b) =>
          (numeric ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b))) * (down ? -1 : 1));
        table.tBodies[0].append(...rows);
      }));
    }
  }

  const equity = document.querySelector("[data-chart=equity]");
  if (equity && data.equity.t.length) new EquityChart(equity);
  data.prices.forEach((of, number) => {
    const host = document.querySelector(`[data-chart="price-${number}"]`);
    if (host && of.t.length) new PriceChart(host, of);
  });
  for (const button of document.querySelectorAll("[data-do]")) {
    const act = { market: () => {
      market = !market;
      button.setAttribute("aria-pressed", String(market));
      redraw();
    }, in: () => zoom(0.5), out: () => zoom(2), all: () => show(first, last),
      back: () => show(from - (to - from) / 2, to - (to - from) / 2),
      on: () => show(from + (to - from) / 2, to + (to - from) / 2) };
    button.addEventListener("click", act[button.dataset.do]);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  sortable();
})();
