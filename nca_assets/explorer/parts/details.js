// What is known of the rollout on the stage: its recipe, and its labels if it has any here.

function showDetails() {
  const { scenario, original } = stage, name = nameOf(scenario.set, scenario.index), labeled = byName.get(name);
  document.title = `${name} – NCA rollouts`;
  byId("title").textContent = name;
  const period = labeled && label(labeled, "period");
  const facts = labeled ? [label(labeled, "behavior") + (period ? `, period ${period}` : "")] : [];
  if (original.clip) facts.push("imported");
  else facts.push(`of ${words(original.family)}`, `from ${original.start}`);
  facts.push(`${original.height} × ${original.width} cells`);
  byId("about").replaceChildren(...(labeled ? [glyph(label(labeled, "behavior")), " "] : []), facts.join("\u00a0· "));
  byId("label-table").replaceChildren(labeled ? labelTable(labeled) : withoutLabels(name, scenario));
}

function labelTable(rollout) {
  const rows = content.columns.map(({ name, meaning }) => make("tr", {},
    make("th", { scope: "row" }, name, make("small", { textContent: meaning })),
    make("td", { textContent: shortNumber(label(rollout, name)) })));
  return make("table", {}, make("tbody", {}, ...rows));
}

function withoutLabels(name, { set, index }) {
  const shard = `${set}-${String(Math.floor(index / content.shardSize)).padStart(5, "0")}`;
  return make("p", { className: "note" },
    `${name} has no labels in this page. nca materialize ${shard} makes the shard that holds it, and labels it.`);
}
