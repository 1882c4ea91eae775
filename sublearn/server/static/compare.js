// Two runs side by side, on one axis.

import { get } from "./api.js";
import { byId, element, options, replace, setText, table } from "./dom.js";
import { armLimits, armsFigure, armsLegend, progressText, traitOf, usualTrait } from "./runview.js";

let value = null;

function usable(run) {
  return run.arms && run.done > 0;
}

async function load() {
  const [first, second] = [byId("first").value, byId("second").value];
  history.replaceState(null, "", `?${new URLSearchParams({ first, second })}`);
  try {
    value = await get("/api/compare", { first, second });
    setText(byId("problem"), "");
    const names = value.runs.every(usable) ? value.runs[0].traits.map((one) => one.name).filter((name) => traitOf(value.runs[1], name)) : [];
    const before = byId("trait").value;
    options(byId("trait"), names.map((name) => [name, name]), names.includes(before) ? before : names.includes(usualTrait(value.runs[0])) ? usualTrait(value.runs[0]) : names[0]);
    show();
  } catch (error) {
    setText(byId("problem"), error.message);
    replace(byId("compared"));
  }
}

function show() {
  const trait = byId("trait").value;
  if (!trait) {
    setText(byId("problem"), "These two have no trait in common, or no run yet.");
    replace(byId("compared"));
    return;
  }
  const differences = value.differences.length
    ? element("ul", { class: "plain" }, ...value.differences.map((text) => element("li", {}, text)))
    : element("p", { class: "fine" }, "Both ask the same.");
  const twice = element("div", { class: "twice" });
  replace(byId("compared"), armsLegend(), twice, element("h2", {}, "Claims"), claims(), element("h2", {}, "What differs in the second"), differences);
  const sections = value.runs.map((run) => {
    const place = element("div", { class: "chart" });
    twice.append(element("section", {}, element("h2", {}, run.name), element("p", { class: "fine" }, progressText(run)), place));
    return [run, place];
  });
  const limits = armLimits(value.runs, trait);
  for (const [run, place] of sections) replace(place, armsFigure(run, trait, Math.max(280, place.clientWidth), limits));
}

function claims() {
  const rows = value.runs.flatMap((run, i) => run.claims.map((claim) => [
    claim.claim, i, run.name, claim.n ? `${claim.text}, ${claim.interval}` : "no run yet", String(claim.n), claim.verdict === "awaited" ? "not yet" : claim.verdict,
  ]));
  const order = [...new Set(rows.map((row) => row[0]))];
  rows.sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]) || a[1] - b[1]);
  const cells = rows.map(([claim, , ...rest]) => [claim, ...rest]);
  return table("", ["Claim", "Run directory", "Difference and interval", "Runs", "Verdict"], cells, 99, true);
}

async function begin() {
  const { runs } = await get("/api/runs");
  const names = runs.map((run) => run.name);
  if (names.length < 2) {
    setText(byId("problem"), "There are fewer than two runs in this folder.");
    return;
  }
  const asked = new URLSearchParams(location.search);
  const first = names.includes(asked.get("first")) ? asked.get("first") : names[0];
  const like = runs.find((run) => run.name !== first && run.study === runs.find((one) => one.name === first).study);
  const second = names.includes(asked.get("second")) ? asked.get("second") : (like?.name ?? names.find((name) => name !== first));
  for (const [id, name] of [["first", first], ["second", second]]) {
    options(byId(id), names.map((one) => [one, one]), name);
    byId(id).addEventListener("change", load);
  }
  byId("trait").addEventListener("change", show);
  byId("form").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("resize", () => value && show());
  await load();
}

begin().catch((error) => setText(byId("problem"), error.message));
