// The map: rollouts as points over two labels. Dragging sets the ranges of the filters; a click opens a rollout.

const MARGIN = { left: 46, right: 12, top: 10, bottom: 34 }, RADIUS = 4.5, NEAR = 12;

const map = { points: [], scales: [], drag: null };

// Round numbers between two.
function ticks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

function scaleOf(name, from, to) {
  const values = column[name].values.filter(value => typeof value === "number");
  let low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const pad = (high - low || 1) * .03;
  [low, high] = [low - pad, high + pad];
  return { low, high, at: value => from + (to - from) * (value - low) / (high - low), value: at => low + (high - low) * (at - from) / (to - from) };
}

function drawMap() {
  const canvas = byId("map");
  if (byId("map-view").hidden || !canvas.clientWidth) return;
  const width = canvas.clientWidth, height = Math.round(Math.min(width * .82, 620, Math.max(320, innerHeight - 420))), ratio = devicePixelRatio;
  canvas.style.height = `${height}px`;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  const context = canvas.getContext("2d"), style = getComputedStyle(document.body), color = name => style.getPropertyValue(name);
  context.scale(ratio, ratio);
  map.scales = [scaleOf(axes[0].name, MARGIN.left, width - MARGIN.right), scaleOf(axes[1].name, height - MARGIN.bottom, MARGIN.top)];
  drawAxes(context, width, height, color);
  const [across, up] = map.scales, kept = new Set(passing);
  map.points = rollouts.map(rollout => [rollout, ...axes.map(({ name }) => label(rollout, name))])
    .filter(([, x, y]) => x !== null && y !== null)
    .map(([rollout, x, y]) => ({ rollout, x: across.at(x), y: up.at(y), kept: kept.has(rollout) }));
  context.fillStyle = color("--edge");
  context.globalAlpha = .45;
  for (const { x, y } of map.points.filter(point => !point.kept)) context.fillRect(x - 1.5, y - 1.5, 3, 3);
  context.globalAlpha = 1;
  for (const point of map.points.filter(point => point.kept).reverse()) drawPoint(context, point, color("--outline"));
  const current = map.points.find(({ rollout }) => rollout.name === nameOf(stage.scenario.set, stage.scenario.index));
  if (current) circle(context, current, RADIUS + 4, color("--accent"));
  if (map.drag) drawBrush(context, color("--accent"));
  describeMap(canvas);
}

function drawPoint(context, { rollout, x, y }, outline) {
  const behavior = label(rollout, "behavior"), path = new Path2D();
  path.addPath(new Path2D(shapeOf(behavior)), new DOMMatrix([RADIUS, 0, 0, RADIUS, x, y]));
  context.fillStyle = content.classes[behavior];
  context.strokeStyle = outline;
  context.lineWidth = .8;
  context.fill(path);
  context.stroke(path);
}

function circle(context, { x, y }, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.strokeStyle = color;
  context.lineWidth = 2.5;
  context.stroke();
}

function drawAxes(context, width, height, color) {
  const [across, up] = map.scales;
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = color("--muted");
  context.strokeStyle = color("--line");
  context.beginPath();
  context.textAlign = "center";
  for (const value of ticks(across.low, across.high)) {
    context.moveTo(across.at(value), MARGIN.top);
    context.lineTo(across.at(value), height - MARGIN.bottom);
    context.fillText(shortNumber(value), across.at(value), height - MARGIN.bottom + 15);
  }
  context.textAlign = "right";
  for (const value of ticks(up.low, up.high)) {
    context.moveTo(MARGIN.left, up.at(value));
    context.lineTo(width - MARGIN.right, up.at(value));
    context.fillText(shortNumber(value), MARGIN.left - 6, up.at(value) + 4);
  }
  context.stroke();
  drawGrid(context, width, height, color("--edge"));
  context.fillStyle = color("--ink");
  context.fillText(words(axes[0].name), width - MARGIN.right, height - 4);
  context.textAlign = "left";
  context.save();
  context.translate(12, MARGIN.top);
  context.rotate(-Math.PI / 2);
  context.textAlign = "right";
  context.fillText(words(axes[1].name), 0, 0);
  context.restore();
}

// The edges of the bins between which nca illuminate chooses, of labels that it knows.
function drawGrid(context, width, height, color) {
  const [across, up] = map.scales, inside = ({ low, high }) => edge => edge > low && edge < high;
  context.strokeStyle = color;
  context.setLineDash([2, 4]);
  context.beginPath();
  for (const edge of (content.grid[axes[0].name] ?? []).filter(inside(across))) {
    context.moveTo(across.at(edge), MARGIN.top);
    context.lineTo(across.at(edge), height - MARGIN.bottom);
  }
  for (const edge of (content.grid[axes[1].name] ?? []).filter(inside(up))) {
    context.moveTo(MARGIN.left, up.at(edge));
    context.lineTo(width - MARGIN.right, up.at(edge));
  }
  context.stroke();
  context.setLineDash([]);
}

function drawBrush(context, color) {
  const { from, to } = map.drag;
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 1.5;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.globalAlpha = .12;
  context.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.globalAlpha = 1;
}

function describeMap(canvas) {
  const shown = map.points.filter(point => point.kept).length, without = passing.length - shown;
  canvas.setAttribute("aria-label", `${shown} rollouts as points: ${words(axes[0].name)} across, ${words(axes[1].name)} up`
    + (without ? `; ${without} have no such label` : "") + ". The gallery lists the same rollouts.");
}

const positionOf = event => {
  const box = byId("map").getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

function nearest({ x, y }) {
  let best = null, least = NEAR ** 2;
  for (const point of map.points) {
    const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (point.kept && distance < least) [best, least] = [point, distance];
  }
  return best;
}

function showTip(point) {
  const tip = byId("tip"), { rollout } = point ?? {};
  tip.hidden = !rollout;
  if (!rollout || tip.rollout === rollout) return;
  tip.rollout = rollout;
  const canvas = make("canvas", { width: 1, height: 1 }), behavior = label(rollout, "behavior");
  tip.replaceChildren(canvas, make("b", { textContent: rollout.name }),
    make("span", { textContent: `${behavior}${rollout.set in content.sets ? `, ${words(label(rollout, "family"))}` : ""}` }),
    ...axes.map(({ name }) => make("span", { textContent: `${words(name)} ${shortNumber(label(rollout, name))}` })));
  const right = point.x > byId("map").clientWidth / 2, low = point.y > byId("map").clientHeight / 2;
  Object.assign(tip.style, {
    left: right ? "auto" : `${point.x + 14}px`, right: right ? `${byId("map").clientWidth - point.x + 14}px` : "auto",
    top: low ? "auto" : `${point.y + 14}px`, bottom: low ? `${byId("map").clientHeight - point.y + 14}px` : "auto",
  });
  if (!rollout.thumb) gallery.wanted.unshift(...gallery.wanted.splice(0, gallery.run ? 1 : 0), [rollout, canvas]);
  else drawThumb(rollout, canvas);
  wake();
}

function brushed({ from, to }) {
  const [across, up] = map.scales, round = value => Number(value.toPrecision(4));
  const xs = [from.x, to.x].map(across.value).sort((a, b) => a - b), ys = [from.y, to.y].map(up.value).sort((a, b) => a - b);
  setRange(axes[0], ...xs.map(round));
  setRange(axes[1], ...ys.map(round));
  applyFilters();
}

function listenForMap() {
  const canvas = byId("map");
  canvas.addEventListener("pointerdown", event => {
    const at = positionOf(event);
    map.drag = { from: at, to: at };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    const at = positionOf(event);
    if (!map.drag) return showTip(nearest(at));
    map.drag.to = at;
    showTip(null);
    drawMap();
  });
  canvas.addEventListener("pointerleave", () => showTip(null));
  canvas.addEventListener("pointercancel", () => { map.drag = null; drawMap(); });
  canvas.addEventListener("pointerup", () => {
    const { from, to } = map.drag, moved = Math.abs(to.x - from.x) > 5 || Math.abs(to.y - from.y) > 5;
    map.drag = null;
    if (moved) return brushed({ from, to });
    const point = nearest(to);
    if (point) openScenario(unchanged(point.rollout.set, point.rollout.index));
  });
  for (const [view, other] of [["gallery", "map"], ["map", "gallery"]])
    byId(`as-${view}`).onclick = () => {
      for (const each of [view, other]) {
        byId(`as-${each}`).setAttribute("aria-pressed", String(each === view));
        byId(`${each}-view`).hidden = each !== view;
      }
      // Beside the map lie its selection and the ranges of its axes.
      (view === "map" ? byId("map-box") : byId("filters").lastElementChild).after(byId("ranges"));
      (view === "map" ? byId("map-box") : byId("filters")).after(byId("selection"));
      showSelection();
      drawMap();
    };
  new ResizeObserver(drawMap).observe(byId("map-box"));
}
