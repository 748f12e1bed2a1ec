// What if: flipped cells, other noise, another start; and how the result differs.

const cursor = { y: 0, x: 0, shown: false };

function change(entries, frame) {
  if (stage.original.clip) return;
  openScenario({ ...stage.scenario, ...entries }, frame);
}

function flipAt(y, x) {
  const frame = Math.min(stage.frame, lastFrame());
  change({ flips: [...stage.scenario.flips, { frame, y, x }] }, frame);
}

const anotherNumber = () => Math.floor(Math.random() * 1e6);

function showChanges() {
  const { scenario, original, changed, shown } = stage, { start, noise, index, flips } = scenario;
  byId("what-if").hidden = Boolean(original.clip);
  byId("no-noise").setAttribute("aria-pressed", String(noise === null));
  byId("undo").hidden = byId("compare").hidden = !changed;
  for (const button of document.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button.dataset.show === shown));
  const made = [];
  if (start !== index) made.push(`the start with the random numbers of ${nameOf(scenario.set, start)}`);
  if (noise === null) made.push("no noise");
  else if (noise !== index) made.push(`the noise of ${nameOf(scenario.set, noise)}`);
  if (flips.length) made.push(`${flips.length} flip${flips.length > 1 ? "s" : ""}, the last at frame ${flips.at(-1).frame}`);
  stage.made = made.join("; ");
}

function showEffect(at) {
  measure();
  const share = curves.difference[at];
  byId("effect").textContent = `${stage.made[0].toUpperCase()}${stage.made.slice(1)}. `
    + (share === undefined ? "" : `At frame ${at}, ${share.toFixed(share < 10 ? 1 : 0)} % of the cells differ.`);
}

function cellUnder(event) {
  const box = byId("grid").getBoundingClientRect(), { height, width } = stage.original;
  const at = (offset, length, cells) => Math.max(0, Math.min(cells - 1, Math.floor(cells * offset / length)));
  return [at(event.clientY - box.top, box.height, height), at(event.clientX - box.left, box.width, width)];
}

function moveCursor(dy, dx) {
  const { height, width } = stage.original;
  cursor.y = (cursor.y + dy + height) % height;
  cursor.x = (cursor.x + dx + width) % width;
  byId("flip-help").textContent = `Row ${cursor.y + 1}, column ${cursor.x + 1}: press Enter to flip 3 × 3 cells around it.`;
  stage.drawn = null;
  drawStage();
  const context = byId("grid").getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(cursor.x, cursor.y, 1, 1);
  context.fillStyle = "#e0007a";
  context.globalAlpha = .7;
  context.fillRect(cursor.x, cursor.y, 1, 1);
  context.globalAlpha = 1;
}

function listenForChanges() {
  byId("grid").addEventListener("click", event => flipAt(...cellUnder(event)));
  byId("grid").addEventListener("keydown", event => {
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key === "Enter") flipAt(cursor.y, cursor.x);
    else if (ways[event.key]) moveCursor(...ways[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  byId("other-noise").onclick = () => change({ noise: anotherNumber() }, stage.frame);
  byId("no-noise").onclick = () =>
    change({ noise: stage.scenario.noise === null ? stage.scenario.index : null }, stage.frame);
  byId("other-start").onclick = () => change({ start: anotherNumber() }, 0);
  byId("undo").onclick = () => change(unchanged(stage.scenario.set, stage.scenario.index), stage.frame);
  for (const button of document.querySelectorAll("[data-show]"))
    button.onclick = () => { stage.shown = button.dataset.show; showChanges(); wake(); };
}
