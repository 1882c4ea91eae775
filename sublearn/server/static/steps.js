// One seed of a study, one step at a time.

import { get, post } from "./api.js";
import { DASHES, keySign, linesChart } from "./chart.js";
import { byId, element, named, options, replace, setText, table } from "./dom.js";

const query = new URLSearchParams(location.search);
let settings = {};
let walk = null;
let at = 0;

async function load(event) {
  event?.preventDefault();
  const [study, seed] = [byId("study").value, Number(byId("seed").value)];
  const own = query.get("study") === study ? settings : {};
  setText(byId("waiting"), "Training one seed. The first time takes some seconds.");
  setText(byId("problem"), "");
  byId("show").disabled = true;
  try {
    walk = await post("/api/walk", { order: { study, settings: own, runs: 1 }, seed });
    byId("walk").hidden = false;
    setText(byId("waiting"), "");
    show(Math.min(at, walk.steps.length - 1), false);
  } catch (error) {
    byId("walk").hidden = true;
    setText(byId("waiting"), "");
    setText(byId("problem"), error.message);
  }
  byId("show").disabled = false;
}

function show(number, focus = true) {
  at = number;
  const step = walk.steps[at];
  replace(byId("steps"), ...walk.steps.map((one, i) =>
    element("li", {}, element("button", { type: "button", "aria-current": i === at ? "step" : null, onclick: () => show(i) }, `${i + 1}. ${one.title}`))));
  setText(byId("step-title"), `${at + 1}. ${step.title}`);
  replace(byId("step"), element("p", { class: "question" }, step.text), curves(step),
    ...step.tables.map((one) => table(one.title, one.heads, one.rows.map((row) => row.map((cell) => named(cell, walk.arms))), one.numeric, one.heads.length > 3)));
  byId("back").disabled = at === 0;
  byId("next").disabled = at === walk.steps.length - 1;
  if (focus) byId("step-title").focus();
}

function curves(step) {
  if (!step.curves.length) return null;
  const width = Math.min(760, Math.max(280, byId("step").clientWidth));
  const ends = step.curves.map((line) => `${called(line)} from ${line.values[0].toPrecision(3)} to ${line.values.at(-1).toPrecision(3)}`);
  const keys = step.curves.map((line, i) => element("li", { title: line.name }, keySign(line.colour, "line", DASHES[i % DASHES.length]), called(line)));
  return element("figure", {}, element("figcaption", {}, "Loss of each training step"), element("ul", { class: "legend" }, ...keys),
    element("div", { class: "chart" }, linesChart(width, step.curves, "step", `Loss by step: ${ends.join("; ")}`)));
}

function called(line) {
  return walk.arms.find((arm) => arm.name === line.name)?.label ?? line.name;
}

async function begin() {
  const { studies } = await get("/api/studies");
  const names = studies.filter((study) => study.walk).map((study) => study.name);
  options(byId("study"), names.map((name) => [name, name]), names.includes(query.get("study")) ? query.get("study") : names[0]);
  byId("seed").value = query.get("seed") ?? 0;
  try {
    settings = JSON.parse(query.get("settings") ?? "{}");
  } catch {
    settings = {};
  }
  const changed = Object.entries(settings).map(([key, text]) => `${key} = ${text}`);
  if (changed.length) setText(byId("settings"), `With the settings of the run: ${changed.join(", ")}.`);
  byId("form").addEventListener("submit", load);
  byId("back").addEventListener("click", () => show(at - 1));
  byId("next").addEventListener("click", () => show(at + 1));
  addEventListener("resize", () => walk && show(at, false));
  await load();
}

begin().catch((error) => setText(byId("problem"), error.message));
