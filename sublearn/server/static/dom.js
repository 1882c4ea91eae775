// Elements. Every text goes in as text: no markup is ever made of what a server, a file or a name says.

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

export function replace(place, ...children) {
  place.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

export function options(select, choices, chosen) {
  replace(select, ...choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
}

// A table of texts; columns from `numeric` on hold numbers. Cells may be elements.
export function table(caption, heads, rows, numeric = 99, stacked = false) {
  const number = (i) => (i >= numeric ? "number" : null);
  const head = element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", class: number(i) }, text)));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((cell, i) =>
      element(i ? "td" : "th", { scope: i ? null : "row", class: number(i), "data-head": i ? heads[i] : null }, cell))));
  const made = element("table", { class: stacked ? "stack" : null }, caption ? element("caption", {}, caption) : null,
    element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption || "Table" }, made);
}

// What is called so by people and, in small type, in code; `names` holds {name, label}.
export function named(code, names) {
  const label = names.find((one) => one.name === code)?.label;
  return label === undefined ? code : element("span", {}, label, isPlain(label, code) ? null : element("small", { class: "code" }, ` ${code}`));
}

// Whether a label says what the code name says.
export function isPlain(label, code) {
  return label.toLowerCase() === code.toLowerCase();
}

export function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}
