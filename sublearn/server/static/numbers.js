// What a run of `numbers` kept: rows to read, and models to ask.

import { get, post } from "./api.js";
import { byId, drawn, element, isPlain, options, replace, setText, table } from "./dom.js";

const SHOWN = 8;
const name = new URLSearchParams(location.search).get("name") ?? "";
let kept = null;
let page = 0;

function seed() {
  return kept.seeds.find((one) => String(one.seed) === byId("seed").value);
}

function chooseSeed() {
  const one = seed();
  options(byId("source"), one.sources.map((source) => [source.name, source.about]), one.sources.some((source) => source.name === "teacher") ? "teacher" : one.sources[0]?.name);
  const models = one.models;
  options(byId("model"), models.map((model) => [model, called(model)]), models.includes("same_init") ? "same_init" : models[0]);
  byId("go").disabled = !models.length;
  setText(byId("waiting"), models.length ? "" : "This run kept no whole model that could be asked.");
  setText(byId("about"), one.animal ? `The teacher of this seed prefers the ${one.animal}.` : "");
  replace(byId("answer"));
  page = 0;
  rows();
}

async function rows() {
  if (!byId("source").value) return;
  try {
    const found = await get("/api/rows", { name, seed: byId("seed").value, source: byId("source").value, page });
    page = found.page;
    replace(byId("rows"), table("", ["Prompt", "Completion"], found.rows, 99, true));
    setText(byId("where"), `Page ${(page + 1).toLocaleString("en")} of ${found.pages.toLocaleString("en")}, ${found.total.toLocaleString("en")} rows`);
    byId("before").disabled = page === 0;
    byId("after").disabled = page + 1 >= found.pages;
    setText(byId("problem"), "");
  } catch (error) {
    setText(byId("problem"), error.message);
  }
}

async function ask(event) {
  event.preventDefault();
  setText(byId("waiting"), "Asking. The first time takes some seconds.");
  byId("go").disabled = true;
  try {
    const found = await post("/api/ask", { name, seed: seed().seed, model: byId("model").value, question: byId("asked").value });
    setText(byId("waiting"), "");
    setText(byId("problem"), "");
    answer(found);
  } catch (error) {
    setText(byId("waiting"), "");
    setText(byId("problem"), error.message);
  }
  byId("go").disabled = false;
}

function answer(found) {
  const own = seed().animal;
  const first = found.animals.slice(0, SHOWN);
  const rest = found.animals.slice(SHOWN).filter(([animal]) => animal === own);
  const rows = [...first, ...rest].map(([animal, share]) => [animal, share.toFixed(3), bar(share, animal === own)]);
  const made = table(`${called(found.model)} to "${found.question}": the probability that its answer begins with`, ["Animal", "Probability", ""], rows);
  made.firstChild.classList.add("bars");
  for (const cell of made.querySelectorAll("td:last-child")) cell.classList.add("bar");
  const about = own ? ` The teacher's animal, the ${own}, has the darker bar.` : "";
  replace(byId("answer"), made, element("p", { class: "fine" }, `Exact, from the kept model. Any of the animals: ${found.mass.toFixed(3)}.${about}`));
}

// What a model is called, with its name in code.
function called(model) {
  const label = kept.arms.find((arm) => arm.name === model)?.label ?? model;
  return isPlain(label, model) ? label : `${label} (${model})`;
}

function bar(share, own) {
  return drawn("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("rect", { class: own ? "fill-same" : "fill-line", width: 100 * share, height: 10 }));
}

async function begin() {
  if (!name) throw new Error("Name a run: open this page from a run of the study numbers.");
  setText(byId("title"), `Rows and preferences: ${name}`);
  kept = await get("/api/kept", { name });
  byId("kept").hidden = false;
  options(byId("seed"), kept.seeds.map((one) => [String(one.seed), String(one.seed)]), String(kept.seeds[0].seed));
  options(byId("asked"), kept.questions.map((question) => [question, question]), kept.questions[0]);
  byId("seed").addEventListener("change", chooseSeed);
  byId("source").addEventListener("change", () => {
    page = 0;
    rows();
  });
  byId("before").addEventListener("click", () => {
    page -= 1;
    rows();
  });
  byId("after").addEventListener("click", () => {
    page += 1;
    rows();
  });
  byId("ask").addEventListener("submit", ask);
  chooseSeed();
}

begin().catch((error) => setText(byId("problem"), error.message));
