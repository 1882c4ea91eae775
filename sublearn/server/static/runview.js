// One run directory: how far it is, its verdicts and its figure. Shown anew as its state changes, without losing focus.

import { DASHES, keySign, limitsOf, linesChart, rowsChart } from "./chart.js";
import { element, isPlain, named, plural, replace, table } from "./dom.js";

export const STATES = {
  starting: "starting",
  running: "running",
  stopped: "stopped, can be resumed",
  failed: "failed",
  done: "done",
  damaged: "damaged",
};
const GROUPS = { same: "same init", cross: "other init", control: "control" };

export function progressText(run) {
  const count = run.done === run.asked ? plural(run.done, "run") : `${run.done.toLocaleString("en")} of ${plural(run.asked, "run")}`;
  const writing = run.state === "running" && run.done === run.asked;
  return `${count}, ${writing ? "writing the report" : STATES[run.state]}`;
}

// As in "students 1 to 4 of 4, about 0:12 left".
export function stageText(run) {
  if (!run.now) return run.done === 0 ? "loading" : "";
  const left = run.now.left_s;
  return left === null ? run.now.stage : `${run.now.stage}, about ${duration(left)} left`;
}

function duration(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.round(seconds) % 60];
  const padded = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

// How the losses fall: teachers and students apart, for they are trained by losses of different kinds.
export function trainingIn(place, run, width) {
  const arms = new Map(run.arms.map((arm) => [arm.name, arm]));
  const kinds = [["Teachers", (name) => !arms.get(name)?.student], ["Students", (name) => arms.get(name)?.student]];
  const narrow = width < 620;
  const figures = kinds.map(([title, has]) => curvesFigure(title, linesOf(run, arms, has), narrow ? width : Math.floor((width - 24) / 2)));
  const found = figures.filter(Boolean);
  if (found.length) replace(place, ...found);
  else replace(place, element("p", { class: "fine" }, "There is none yet."));
}

function linesOf(run, arms, has) {
  const line = (curve, now) => ({
    name: curve.model, label: arms.get(curve.model)?.label ?? curve.model, values: curve.losses, every: curve.every, now,
    colour: arms.get(curve.model)?.group ?? "control",
  });
  const now = (run.now?.curves ?? []).map((curve) => line(curve, true));
  return [...run.curves.map((curve) => line(curve, false)), ...now].filter((one) => has(one.name));
}

function curvesFigure(title, lines, width) {
  if (!lines.length) return null;
  const names = [...new Set(lines.map((line) => line.name))];
  const dashes = names.map((name, i) => DASHES[names.slice(0, i).filter((other) => lineOf(lines, other).colour === lineOf(lines, name).colour).length % DASHES.length]);
  const styled = lines.map((line) => ({ ...line, dashes: dashes[names.indexOf(line.name)] }));
  const last = (line) => line.values.findLast((value) => value !== null);
  const ends = styled.filter((line) => last(line) !== undefined).map((line) => `${line.label} at ${last(line).toPrecision(3)}${line.now ? " now" : ""}`);
  const keys = names.map((name, i) => element("li", { title: name }, keySign(lineOf(lines, name).colour, "line", dashes[i]), lineOf(lines, name).label));
  return element("div", {}, element("h4", {}, title), element("ul", { class: "legend" }, ...keys),
    element("div", { class: "chart" }, linesChart(width, styled, "training step", `${title}: mean loss by step; ${ends.join("; ")}`)));
}

function lineOf(lines, name) {
  return lines.find((line) => line.name === name);
}

export function armRows(run, trait) {
  return run.arms.map((arm) => {
    const found = run.estimates[trait]?.[arm.name] ?? { points: [], mean: null, low: null, high: null, n: 0, text: "" };
    return { ...found, label: arm.label, code: isPlain(arm.label, arm.name) ? "" : arm.name, colour: arm.group, hollow: arm.group === "control", text: found.n ? found.text : "" };
  });
}

export function traitOf(run, name) {
  return run.traits.find((trait) => trait.name === name);
}

export function usualTrait(run) {
  return run.claims[0]?.trait ?? run.traits[0].name;
}

export function armsFigure(run, traitName, width, limits) {
  const trait = traitOf(run, traitName);
  const rows = armRows(run, traitName);
  const origin = trait.chance ?? 0;
  const describe = `${trait.name} by arm: ${rows.map((row) => `${row.label} ${row.text || "no run yet"}`).join("; ")}`;
  return rowsChart(width, rows, {
    limits: limits ?? armLimits([run], traitName),
    origin,
    originLabel: trait.level,
    label: `${trait.name} (${trait.unit})`,
    describe,
  });
}

export function armLimits(runs, traitName) {
  const trait = traitOf(runs[0], traitName);
  return limitsOf(runs.flatMap((run) => armRows(run, traitName)), [trait.chance ?? 0], trait.unit === "share");
}

export function armsLegend() {
  const item = (colour, kind, text) => element("li", {}, keySign(colour, kind), text);
  return element("ul", { class: "legend" }, item("same", "mean", GROUPS.same), item("cross", "mean", GROUPS.cross),
    item("control", "hollow", GROUPS.control), item("muted", "point", "one run"), item("muted", "interval", "95% interval"));
}

export function armsTable(run, traitName) {
  const rows = run.arms.map((arm) => {
    const found = run.estimates[traitName]?.[arm.name];
    return [named(arm.name, run.arms), arm.about, arm.control ? named(arm.control, run.arms) : "", found?.n ? found.text : "no run yet", String(found?.n ?? 0)];
  });
  return table("", ["Arm", "What it is", "Its control", traitName, "Runs"], rows, 3, true);
}

export function verdictBox(run, claim, width) {
  const unit = traitOf(run, claim.trait).unit;
  const row = { ...claim, label: "", code: "", colour: claim.verdict, hollow: claim.verdict === "awaited" || claim.verdict === "inconclusive", text: "", band: claim.delta };
  const interval = claim.n ? `${claim.text}, interval ${claim.interval}` : "no run yet";
  const limits = limitsOf([row], [0, claim.delta ?? 0, -(claim.delta ?? 0)], false);
  const chart = claim.n
    ? rowsChart(width, [row], {
        limits, origin: 0, originLabel: "no difference", label: `difference in ${claim.trait} (${unit})`,
        describe: `${claim.label}: ${interval}`,
      })
    : null;
  return element("div", { class: `verdict ${claim.verdict}` },
    element("p", {}, element("span", { class: "badge" }, claim.verdict === "awaited" ? "not yet" : claim.verdict),
      claim.lead ? `${claim.lead}: ${claim.claim}.` : `${claim.claim}.`),
    element("p", { class: "fine" }, `${claim.label} on ${claim.trait} `, element("small", { class: "code" }, claim.contrast),
      `: ${interval}. The claim is that it ${claim.expectation}.`),
    element("p", { class: "fine" }, claim.because),
    chart);
}

export function verdictsIn(place, run, width) {
  replace(place, ...run.claims.map((claim) => verdictBox(run, claim, width)));
}

// The texts of what is announced: the start, each quarter, and the end.
export function announcement(run) {
  if (run.state === "running" && run.asked) {
    const quarter = Math.floor((4 * run.done) / run.asked);
    return quarter ? `${25 * quarter}% of ${run.asked} runs are done.` : `Running ${plural(run.asked, "run")}.`;
  }
  if (run.state === "done") {
    return `All runs are done. ${run.claims.map((claim) => `${claim.verdict}: ${claim.claim}`).join(". ")}.`;
  }
  return `The run is ${STATES[run.state]}.`;
}
