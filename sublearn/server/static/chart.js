// Figures in the report's own way: a point a run, the mean with its interval, a dashed line at chance. Colours are classes.

import { drawn } from "./dom.js";

const ROW = 36;
const LINE = 16;
const LETTER = 7;
const COLUMN = 300;
const NARROW = 720;

// Rows {label, code, points, mean, low, high, colour, hollow, text, band}: what people and code call it, what is drawn and
// said. `limits` as [low, high] keep two charts comparable.
export function rowsChart(width, rows, { limits, origin = null, originLabel = "", label, describe }) {
  const narrow = width < NARROW;
  const longest = Math.max(...rows.map((row) => Math.max(row.label.length, 0.9 * row.code.length)));
  const left = narrow || !longest ? 8 : Math.min(COLUMN, 24 + LETTER * longest);
  const right = narrow || rows.every((row) => !row.text) ? 8 : 144;
  const names = rows.map((row) => linesOf(row, ((narrow ? width - 16 : left - 16) / LETTER)));
  const steps = names.map((lines) => (narrow && longest ? 42 + LINE * lines.length : Math.max(ROW, LINE * lines.length + 8)));
  const top = originLabel ? 22 : 8;
  const bottom = top + steps.reduce((sum, step) => sum + step, 0);
  const height = bottom + 40;
  const x = scale(limits, left + 6, width - right - 6);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": describe });
  svg.append(...axis(x, limits, bottom, label, [left, width - right]));
  if (origin !== null) {
    svg.append(drawn("path", { class: "chance", d: `M${x(origin)} ${top - 4}V${bottom}` }));
    svg.append(drawn("text", { class: "fine middle", x: clamp(x(origin), 40, width - 40), y: 12 }, originLabel));
  }
  let start = top;
  rows.forEach((row, i) => {
    const middle = narrow && longest ? start + LINE * names[i].length + 20 : start + steps[i] / 2;
    if (row.band) {
      const ends = [Math.max(-row.band, limits[0]), Math.min(row.band, limits[1])].map(x);
      svg.append(drawn("rect", { class: "band", x: ends[0], y: middle - 13, width: ends[1] - ends[0], height: 26 }));
    }
    svg.append(cloud(row, x, limits, middle));
    svg.append(...mark(row, x, limits, middle));
    names[i].forEach(({ text, fine }, k) => {
      const y = narrow ? start + LINE * (k + 1) : middle + 4 + LINE * (k - (names[i].length - 1) / 2);
      svg.append(drawn("text", { class: [fine && "fine", narrow || "end"].filter((one) => one && one !== true).join(" "), x: narrow ? left : left - 8, y }, text));
    });
    svg.append(drawn("text", narrow ? { class: "fine end", x: width - 8, y: start + LINE * names[i].length } : { class: "fine", x: width - right + 10, y: middle + 4 }, row.text));
    start += steps[i];
  });
  return svg;
}

// A row's name in lines of at most so many letters: its label, and below it the code name where that is another.
function linesOf(row, letters) {
  const found = [];
  for (const word of row.label.split(" ")) {
    if (found.length && found.at(-1).length + word.length < letters) found.push(`${found.pop()} ${word}`);
    else found.push(word);
  }
  return [...found.map((text) => ({ text })), ...(row.code ? [{ text: row.code, fine: true }] : [])];
}

function cloud(row, x, limits, middle) {
  const n = Math.max(row.points.length, 1);
  const size = clamp(8 * n ** -0.16, 2.4, 7);
  const room = 12 - size / 2;
  const places = row.points.map(([seed, value]) => `M${x(clamp(value, ...limits)).toFixed(1)} ${(middle + room * offset(seed)).toFixed(1)}h0`);
  return drawn("path", { class: `points stroke-${row.colour}`, d: places.join(""), "stroke-width": size, "stroke-opacity": clamp(2.8 * n ** -0.3, 0.2, 0.85) });
}

// From -1 to 1, fixed by the seed, so that a point that is there stays where it is.
function offset(seed) {
  return (((seed + 1) * 0.6180339887) % 1) * 2 - 1;
}

function mark(row, x, limits, middle) {
  const made = [];
  if (row.low !== null && row.high !== null && row.low !== undefined) {
    const [low, high] = [row.low, row.high].map((end) => x(clamp(end, ...limits)));
    made.push(drawn("path", { class: `interval stroke-${row.colour}`, d: `M${low} ${middle}H${high}M${low} ${middle - 6}v12M${high} ${middle - 6}v12` }));
  }
  if (row.mean !== null && row.mean !== undefined) {
    made.push(drawn("circle", { class: `mean stroke-${row.colour} ${row.hollow ? "hollow" : `fill-${row.colour}`}`, cx: x(clamp(row.mean, ...limits)), cy: middle, r: 5 }));
  }
  return made;
}

// Lines {name, colour, values, every, dashes, now}, a value every so many steps (null: none), told apart by colour and
// by dashes; what is `now` is paler. The axis is that of powers of ten where the values differ much.
export function linesChart(width, lines, label, describe) {
  const height = 230;
  const all = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const powers = Math.min(...all) > 0 && Math.max(...all) > 30 * Math.min(...all);
  const heightOf = (value) => (powers ? Math.log10(value) : value);
  const limits = powers ? padded(...[Math.min, Math.max].map((end) => Math.log10(end(...all)))) : padded(Math.min(0, ...all), Math.max(...all, 1e-9));
  const steps = Math.max(...lines.map((line) => line.values.length * (line.every ?? 1)), 2);
  const x = scale([1, steps], 46, width - 10);
  const y = scale(limits, height - 40, 10);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": describe });
  svg.append(...axis(x, [1, steps], height - 40, label, [46, width - 10], true));
  for (const tick of powers ? wholes(limits) : ticks(limits, 4)) {
    svg.append(drawn("path", { class: "axis", d: `M46 ${y(tick)}H${width - 10}` }));
    svg.append(drawn("text", { class: "fine end", x: 40, y: y(tick) + 4 }, powers ? power(tick) : shown(tick)));
  }
  lines.forEach((line, i) => {
    let move = "M";
    const d = line.values.map((value, k) => {
      const to = Number.isFinite(value) ? `${move}${x((k + 1) * (line.every ?? 1)).toFixed(1)} ${y(clamp(heightOf(value), ...limits)).toFixed(1)}` : "";
      move = to ? "L" : "M";
      return to;
    }).join("");
    const dashes = line.dashes ?? DASHES[i % DASHES.length];
    svg.append(drawn("path", { class: `line stroke-${line.colour}${line.now ? " now" : ""}`, d, "stroke-dasharray": dashes }));
  });
  return svg;
}

export const DASHES = ["none", "7 3", "2 3", "9 3 2 3"];

export function keySign(colour, kind, dashes = "none") {
  const svg = drawn("svg", { width: 26, height: 14, "aria-hidden": "true" });
  if (kind === "line") svg.append(drawn("path", { class: `line stroke-${colour}`, d: "M1 7H25", "stroke-dasharray": dashes }));
  else if (kind === "point") svg.append(drawn("path", { class: `points stroke-${colour}`, d: "M13 7h0", "stroke-width": 6, "stroke-opacity": 0.7 }));
  else if (kind === "interval") svg.append(drawn("path", { class: `interval stroke-${colour}`, d: "M2 7H24M2 2v10M24 2v10" }));
  else if (kind === "band") svg.append(drawn("rect", { class: "band", x: 2, y: 1, width: 22, height: 12 }));
  else svg.append(drawn("circle", { class: `mean stroke-${colour} ${kind === "hollow" ? "hollow" : `fill-${colour}`}`, cx: 13, cy: 7, r: 5 }));
  return svg;
}

// The limits of an axis that holds every point; of shares from 0 to 1.
export function limitsOf(rows, inner, share) {
  const found = [...inner, ...(share ? [0, 1] : [])];
  for (const row of rows) {
    for (const [, value] of row.points) found.push(value);
    for (const end of [row.mean, row.low, row.high]) if (end !== null && end !== undefined) found.push(end);
  }
  const [low, high] = found.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  return share ? [-0.02, 1.02] : padded(low, high);
}

function padded(low, high) {
  const room = (high - low || 1) * 0.04;
  return [low - room, high + room];
}

function axis(x, limits, y, label, [left, right], whole = false) {
  const made = [drawn("path", { class: "axis", d: `M${left} ${y}H${right}` })];
  for (const tick of ticks(limits, right - left < (whole ? 200 : 360) ? 3 : 5)) {
    if (whole && tick % 1) continue;
    made.push(drawn("path", { class: "axis", d: `M${x(tick)} ${y}v5` }));
    made.push(drawn("text", { class: "fine middle", x: x(tick), y: y + 18 }, shown(tick)));
  }
  made.push(drawn("text", { class: "fine middle", x: (left + right) / 2, y: y + 34 }, label));
  return made;
}

function ticks([low, high], wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(i * step);
  return found;
}

// Powers of ten between the limits, at most five of them; the ends where there is none between.
function wholes([low, high]) {
  const step = Math.max(1, Math.ceil((high - low) / 5));
  const found = [];
  for (let i = Math.ceil(low / step) * step; i <= high; i += step) found.push(i);
  return found.length > 1 ? found : [low, high].map((end) => (end === low ? Math.ceil(10 * low) / 10 : Math.floor(10 * high) / 10));
}

function power(exponent) {
  const value = 10 ** exponent;
  return value >= 1e-3 && value < 1e4 ? shown(Number(value.toPrecision(2))) : Number(value.toPrecision(2)).toExponential().replace("-", "\u2212").replace("+", "");
}

function shown(value) {
  const text = Math.abs(value) < 1e-12 ? "0" : Number(value.toPrecision(6)).toString();
  return text.replace("-", "\u2212");
}

function scale([low, high], from, to) {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
