// Filters: classes, families, sets and collections; ranges of two labels, which are the map's axes; the same as SQL.

const FACETS = { behavior: "by-behavior", family: "by-family", set_name: "by-set", collection: "by-collection" };
const chosen = { behavior: new Set(), family: new Set(), set_name: new Set(), collection: new Set() };  // none chosen: all
const axes = [
  { axis: "Across", name: "tail_change", from: null, to: null },
  { axis: "Up", name: "traveling", from: null, to: null },
];

let passing = [];

const inRange = (value, { from, to }) =>
  (from === null && to === null) || (value !== null && (from === null || value >= from) && (to === null || value <= to));

const valuesOf = (rollout, facet) => facet === "collection" ? rollout.collections : [label(rollout, facet)];

const passes = rollout =>
  Object.entries(chosen).every(([name, values]) => !values.size || valuesOf(rollout, name).some(value => values.has(value)))
  && axes.every(axis => inRange(label(rollout, axis.name), axis));

const numeric = () => content.columns.map(({ name }) => name).filter(name =>
  !["rollout_index", "shard", "label_version", "recipe_version"].includes(name)
  && column[name].values.some(value => typeof value === "number"));

function makeFacets() {
  const order = { behavior: Object.keys(content.classes), family: content.families };
  for (const [name, place] of Object.entries(FACETS)) {
    const counts = new Map();
    for (const rollout of rollouts) for (const value of valuesOf(rollout, name)) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
    const fieldset = byId(place).closest("fieldset");
    if (fieldset) fieldset.hidden = !counts.size;
    for (const value of order[name] ?? [...counts.keys()].sort()) {
      if (!counts.has(value)) continue;
      const chip = make("button", { type: "button" }, ...(name === "behavior" ? [glyph(value)] : []),
        name === "collection" ? value : words(value), make("small", { textContent: counts.get(value) }));
      chip.dataset.value = value;
      chip.onclick = () => {
        if (!chosen[name].delete(value)) chosen[name].add(value);
        applyFilters();
      };
      byId(place).append(chip);
    }
  }
}

function makeRanges() {
  for (const axis of axes) {
    const select = make("select", { ariaLabel: `${axis.axis} the map` });
    select.append(...numeric().map(name => make("option", { value: name, selected: name === axis.name }, words(name))));
    select.onchange = () => { Object.assign(axis, { name: select.value, from: null, to: null }); applyFilters(); };
    axis.fields = ["from", "to"].map(end => {
      const field = make("input", { type: "number", step: "any", placeholder: end, ariaLabel: `${axis.axis}: ${end}` });
      field.oninput = () => { axis[end] = field.value === "" ? null : Number(field.value); applyFilters(); };
      return field;
    });
    byId("ranges").append(make("div", { className: "range" }, make("span", { textContent: axis.axis }), select, ...axis.fields));
  }
}

function setRange(axis, from, to) {
  Object.assign(axis, { from, to });
}

function resetFilters() {
  for (const values of Object.values(chosen)) values.clear();
  for (const axis of axes) setRange(axis, null, null);
  applyFilters();
}

function applyFilters() {
  passing = rollouts.filter(passes);
  for (const [name, place] of Object.entries(FACETS))
    for (const chip of byId(place).children) chip.setAttribute("aria-pressed", String(chosen[name].has(chip.dataset.value)));
  for (const axis of axes) axis.fields.forEach((field, end) => {
    const value = [axis.from, axis.to][end];
    if (field !== document.activeElement) field.value = value ?? "";
  });
  const [some, all] = [passing, rollouts].map(({ length }) => length.toLocaleString("en"));
  byId("count").textContent = some !== all ? `${some} of ${all} rollouts`
    : all === "1" ? "1 rollout" : `${all} rollouts, the most structured of each class first`;
  showSelection();
  byId("copied").textContent = "";
  byId("none").hidden = passing.length > 0;
  showGallery();
  drawMap();
}

// The SQL, once there is something to select: always beside the map.
function showSelection() {
  const all = passing.length === rollouts.length;
  byId("selection").hidden = all && byId("map-view").hidden;
  byId("reset").hidden = all;
  byId("sql").textContent = selectionAsSql();
}

function selectionAsSql() {
  const quoted = value => `'${value.replaceAll("'", "''")}'`;
  const conditions = Object.entries(chosen).filter(([, values]) => values.size)
    .map(([name, values]) => [name, [...values].map(quoted).join(", ")])
    .map(([name, list]) => name !== "collection" ? `${name} IN (${list})`
      : `rollout_id IN (SELECT rollout_id FROM collection_rollouts JOIN collections USING (name, version) WHERE latest AND name IN (${list}))`);
  for (const { name, from, to } of axes) {
    if (from !== null && to !== null) conditions.push(`${name} BETWEEN ${from} AND ${to}`);
    else if (from !== null) conditions.push(`${name} >= ${from}`);
    else if (to !== null) conditions.push(`${name} <= ${to}`);
  }
  return ["SELECT rollout_id FROM labels", ...conditions.map((text, at) => `${at ? "  AND" : "WHERE"} ${text}`)].join("\n");
}

async function copySql() {
  try {
    await navigator.clipboard.writeText(selectionAsSql());
  } catch {  // a page opened from a file may not be allowed to
    getSelection().selectAllChildren(byId("sql"));
    document.execCommand("copy");
  }
  byId("copied").textContent = "Copied: it selects from all labels of the dataset.";
}

function listenForFilters() {
  byId("copy").onclick = copySql;
  byId("reset").onclick = byId("reset-none").onclick = resetFilters;
}
