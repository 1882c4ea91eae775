// The laboratory: a study with its knobs, the run that is looked at, and the list of all runs in the folder.

import { get, post } from "./api.js";
import { byId, element, options, plural, replace, setText, table } from "./dom.js";
import { STATES, announcement, armsFigure, armsLegend, armsTable, progressText, stageText, trainingIn, usualTrait, verdictsIn } from "./runview.js";

const QUICK_MS = 400;
const SLOW_MS = 2000;
let studies = [];
let shown = null; // the run that is looked at
let trait = null;
let listed = "";

function chosen() {
  return studies.find((study) => study.name === byId("study").value);
}

function order() {
  const settings = {};
  for (const input of document.querySelectorAll("[data-key]")) {
    const text = input.type === "checkbox" ? String(input.checked) : input.value.trim();
    if (text !== input.dataset.default) settings[input.dataset.key] = text;
  }
  return { study: chosen().name, settings, runs: Number(byId("runs").value) };
}

function knob(one) {
  const id = `knob-${one.key}`;
  const common = { id, "data-key": one.key, "data-default": one.default, "aria-describedby": one.about ? `${id}-about` : null };
  let input;
  if (one.kind === "choice") {
    input = element("select", common);
    options(input, one.choices.map((choice) => [choice, choice]), one.default);
  } else if (one.kind === "flag") {
    input = element("input", { ...common, type: "checkbox", checked: one.default === "true" });
  } else {
    const number = one.kind !== "text";
    input = element("input", { ...common, type: number ? "number" : "text", value: one.default, required: number,
      min: number ? one.low : null, max: number ? one.high : null, step: one.kind === "whole" ? 1 : "any" });
  }
  const about = one.about ? element("p", { class: "fine", id: `${id}-about` }, one.about) : null;
  return element("div", { class: one.kind === "text" ? "knob wide" : "knob" }, element("label", { for: id }, one.key), input, about);
}

function showStudy(given) {
  const study = chosen();
  setText(byId("question"), study.question);
  replace(byId("main-knobs"), ...study.knobs.filter((one) => one.main).map(knob));
  replace(byId("other-knobs"), ...study.knobs.filter((one) => !one.main).map(knob));
  byId("runs").value = given?.runs ?? study.runs;
  for (const [key, text] of Object.entries(given?.settings ?? {})) {
    const input = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!input) continue;
    if (input.type === "checkbox") input.checked = text === "true";
    else input.value = text;
  }
  changed();
}

let asked = 0;
async function changed() {
  const study = chosen();
  for (const input of document.querySelectorAll("[data-key]")) {
    const text = input.type === "checkbox" ? String(input.checked) : input.value.trim();
    input.closest(".knob").classList.toggle("changed", text !== input.dataset.default);
  }
  const runs = Number(byId("runs").value);
  const seconds = study.seconds * runs;
  setText(byId("cost"), `Seeds 0 to ${Math.max(runs - 1, 0)}. At the usual settings about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} on one core.`);
  const mine = (asked += 1);
  try {
    const { command } = await post("/api/command", order());
    if (mine === asked) {
      setText(byId("command"), command);
      setText(byId("problem"), "");
    }
  } catch (error) {
    if (mine === asked) setText(byId("problem"), error.message);
  }
}

async function start(event) {
  event.preventDefault();
  await act("/api/start", order());
  if (matchMedia("(max-width: 60rem)").matches && !byId("problem").textContent) byId("run-title").scrollIntoView();
}

async function act(path, value) {
  try {
    const { name } = await post(path, value);
    setText(byId("problem"), "");
    if (name) look(name);
  } catch (error) {
    setText(byId("problem"), error.message);
  }
  tick();
}

function look(name) {
  if (shown?.name !== name) {
    shown = null;
    trait = null;
  }
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
}

function looked() {
  return decodeURIComponent(location.hash.slice(1));
}

function link(path, values, text) {
  return element("a", { class: "button", href: `${path}?${new URLSearchParams(values)}` }, text);
}

// The parts of the shown run are made once and then filled, so that a button that has the focus keeps it.
function build(run) {
  const part = (tag, id, attributes = {}, ...children) => element(tag, { id, ...attributes }, ...children);
  replace(byId("run"),
    element("p", { class: "fine" }, run.name),
    element("div", { class: "state" }, part("progress", "bar", { max: 1, "aria-label": "Runs done" }), part("span", "count", { class: "count" })),
    part("p", "stage", { class: "fine" }),
    part("p", "said", { class: "problem" }),
    element("div", { class: "buttons" },
      part("button", "stop", { type: "button", onclick: () => act("/api/stop", { name: run.name }) }, "Stop"),
      part("button", "resume", { type: "button", onclick: () => act("/api/resume", { name: run.name }) }, "Go on"),
      part("span", "links", { class: "buttons" })),
    part("p", "outcome", { class: "outcome" }),
    element("figure", {},
      element("figcaption", { class: "pick" }, element("label", { for: "trait" }, "Scores of the arms on"), part("select", "trait", { onchange: pick })),
      armsLegend(), part("div", "chart", { class: "chart" }),
      element("details", {}, element("summary", {}, "The same as a table"), part("div", "numbers"))),
    element("figure", { "aria-labelledby": "training-title" }, part("h3", "training-title", {}, "How the losses fell"),
      part("p", "training-about", { class: "fine" }), part("div", "training", { class: "pair" })),
    part("h3", "claims-title", {}, "What the study claims"), part("div", "claims"));
  options(byId("trait"), run.traits.map((one) => [one.name, one.name]), trait);
}

function pick() {
  trait = byId("trait").value;
  show(shown);
}

function show(run) {
  const fresh = !byId("run").dataset.name || byId("run").dataset.name !== run.name || byId("run").dataset.state === "damaged";
  byId("run").dataset.name = run.name;
  byId("run").dataset.state = run.state;
  shown = run;
  setText(byId("run-title"), run.title || run.name);
  if (!run.arms) {
    replace(byId("run"), element("p", { class: "problem" }, run.said));
    return;
  }
  trait ??= usualTrait(run);
  if (fresh || !byId("bar")) build(run);
  const busy = run.state === "running" || run.state === "starting";
  byId("bar").value = run.asked ? Math.max(run.done, run.now?.done ?? 0) / run.asked : 0;
  setText(byId("count"), progressText(run));
  setText(byId("stage"), stageText(run));
  byId("stage").hidden = !busy;
  setText(byId("said"), busy || run.state === "done" ? "" : run.said);
  moveFocus(busy);
  byId("stop").hidden = !busy;
  byId("resume").hidden = busy || run.state === "done" || !run.order;
  links(run);
  setText(byId("outcome"), run.outcome);
  byId("outcome").hidden = !run.outcome;
  const width = Math.max(280, byId("chart").clientWidth);
  replace(byId("chart"), armsFigure(run, trait, width));
  replace(byId("numbers"), armsTable(run, trait));
  setText(byId("training-about"), run.now
    ? "Mean loss over the runs that are done, and paler that of the runs at work."
    : "Mean loss over all runs.");
  trainingIn(byId("training"), run, width);
  byId("claims-title").hidden = !run.claims.length;
  verdictsIn(byId("claims"), run, Math.max(240, width - 40));
  setText(byId("announce"), announcement(run));
}

// A button that is taken away hands its focus to the one that takes its place.
function moveFocus(busy) {
  const [gone, next] = busy ? ["resume", "stop"] : ["stop", "resume"];
  if (document.activeElement === byId(gone)) {
    byId(next).hidden = false;
    byId(next).focus();
  }
}

function links(run) {
  const key = [run.name, run.report, run.rows].join("|");
  if (byId("links").dataset.made === key) return;
  byId("links").dataset.made = key;
  const walk = run.order && studies.find((study) => study.name === run.study)?.walk;
  replace(byId("links"),
    run.report ? link("/report", { name: run.name }, "Report") : null,
    walk ? link("/steps", { study: run.study, settings: JSON.stringify(run.order.settings) }, "One seed, step by step") : null,
    run.rows ? link("/numbers", { name: run.name }, "Rows and preferences") : null,
    link("/compare", { first: run.name }, "Compare"));
}

function list(runs) {
  const key = JSON.stringify([runs, looked()]);
  if (key === listed) return;
  const focused = document.activeElement?.dataset?.name;
  listed = key;
  if (!runs.length) {
    replace(byId("list"), element("p", { class: "fine" }, "There is none yet."));
    return;
  }
  const rows = runs.map((run) => [
    element("a", { href: `#${encodeURIComponent(run.name)}`, "data-name": run.name, "aria-current": run.name === looked() ? "true" : null }, run.name),
    run.study ?? "", run.state === "damaged" ? "" : plural(run.done, "run"), STATES[run.state], verdictsText(run),
  ]);
  const made = table("", ["Run directory", "Study", "Runs", "State", "Verdicts"], rows, 99, true);
  replace(byId("list"), made);
  if (focused) made.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

function verdictsText(run) {
  const found = (run.verdicts ?? []).filter((verdict) => verdict !== "awaited");
  const counts = new Map();
  for (const verdict of found) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, count]) => (count > 1 ? `${count} ${verdict}` : verdict)).join(", ");
}

let timer = null;
let turns = 0;
async function tick() {
  clearTimeout(timer);
  const mine = (turns += 1);
  try {
    const { runs } = await get("/api/runs");
    if (mine !== turns) return;
    const name = looked() || runs.find((run) => run.state === "running")?.name || runs[0]?.name;
    if (name && !looked()) look(name);
    list(runs);
    if (name) {
      const value = await get("/api/run", { name, version: shown?.name === name ? shown.version : "" });
      if (mine !== turns || name !== looked()) return;
      if (value) show(value);
    }
    document.body.classList.remove("alone");
  } catch (error) {
    setText(byId("announce"), error.message);
    document.body.classList.add("alone");
  }
  if (mine === turns) timer = setTimeout(tick, shown && ["running", "starting"].includes(shown.state) ? QUICK_MS : SLOW_MS);
}

async function copy() {
  const text = byId("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
    setText(byId("copied"), "Copied.");
  } catch {
    getSelection().selectAllChildren(byId("command"));
    setText(byId("copied"), "Selected; copy it with the keyboard.");
  }
}

async function begin() {
  const known = await get("/api/studies");
  studies = known.studies;
  options(byId("study"), studies.map((study) => [study.name, study.name]), studies[0].name);
  byId("runs").max = known.most;
  byId("study").addEventListener("change", () => showStudy());
  byId("defaults").addEventListener("click", () => showStudy());
  byId("form").addEventListener("submit", start);
  byId("form").addEventListener("input", (event) => event.target.id !== "study" && changed());
  byId("copy").addEventListener("click", copy);
  addEventListener("hashchange", () => {
    look(looked());
    tick();
  });
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    if (shown) show(shown);
  }).observe(byId("shown"));
  await tick();
  const given = shown?.order;
  if (given && studies.some((study) => study.name === given.study)) byId("study").value = given.study;
  showStudy(given);
}

begin().catch((error) => setText(byId("problem"), error.message));
