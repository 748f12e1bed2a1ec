// Start, the address, keys, and the loop that shares out the time of each screen refresh.

const BUDGET = 10;  // milliseconds of computing in a refresh

let awake = false, naming = null;

function wake() {
  if (awake) return;
  awake = true;
  requestAnimationFrame(tick);
}

function tick(now) {
  awake = false;
  const deadline = performance.now() + BUDGET;
  const more = computeStage(deadline);
  advanceStage(now);
  drawStage();
  const thumbs = computeThumbs(more ? deadline - BUDGET / 2 : deadline), moves = advanceMoving(now, performance.now() + 3);
  document.body.dataset.readyMs ??= Math.round(performance.now());
  if (more || thumbs || moves || stage.playing) wake();
}

// The address after #: set1/000017, and what was changed, like ?noise=18&flip=32.5.7
function addressOf({ set, index, start, noise, flips }) {
  const changes = new URLSearchParams();
  if (start !== index) changes.set("start", start);
  if (noise !== index) changes.set("noise", noise ?? "none");
  for (const { frame, y, x } of flips) changes.append("flip", `${frame}.${y}.${x}`);
  return `#${nameOf(set, index)}${changes.size ? `?${changes}` : ""}`;
}

function scenarioAt(address) {
  const [name, query] = decodeURIComponent(address.slice(1)).split("?"), { set, index } = parseName(name);
  const changes = new URLSearchParams(query), scenario = unchanged(set, index);
  if (!(set in content.sets)) return scenario;
  const number = text => {
    if (!/^\d{1,10}$/.test(text) || Number(text) > LAST_INDEX) throw new Error(`“${text}” in the address is no number of a rollout.`);
    return Number(text);
  };
  if (changes.has("start")) scenario.start = number(changes.get("start"));
  if (changes.has("noise")) scenario.noise = changes.get("noise") === "none" ? null : number(changes.get("noise"));
  scenario.flips = changes.getAll("flip").map(text => {
    const [frame, y, x] = text.split(".").map(number);
    return { frame, y, x };
  });
  return scenario;
}

// Show a rollout, with what was changed; each browser's history keeps the address.
function openScenario(scenario, frame = 0) {
  setScenario(scenario, frame);
  showDetails();
  say("");
  byId("name").value = nameOf(scenario.set, scenario.index);
  markCurrent();
  drawMap();
  clearTimeout(naming);  // browsers allow few changes of the address a second
  naming = setTimeout(() => history.replaceState(null, "", addressOf(scenario)), 150);
}

function openAddress(address) {
  try {
    openScenario(scenarioAt(address));
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

function say(message) {
  byId("name-error").textContent = message;
  byId("name").setAttribute("aria-invalid", String(message !== ""));
}

function beside(by) {
  const at = gallery.shown.findIndex(({ name }) => name === nameOf(stage.scenario.set, stage.scenario.index));
  const to = gallery.shown[(Math.max(at, by > 0 ? at : 0) + by + gallery.shown.length) % gallery.shown.length];
  if (!to) return;
  openScenario(unchanged(to.set, to.index));
  if (document.activeElement.matches(".card")) to.card?.focus();
}

function openAny() {
  const sets = Object.keys(content.sets), set = sets[Math.floor(Math.random() * sets.length)];
  if (set) openScenario(unchanged(set, Math.floor(Math.random() * 1e6)));
}

function listen() {
  byId("open").onsubmit = event => { event.preventDefault(); openAddress(`#${byId("name").value}`); };
  byId("random").onclick = openAny;
  byId("play").onclick = () => play(!stage.playing);
  byId("scrub").oninput = () => { stage.frame = Number(byId("scrub").value); wake(); };
  byId("previous").onclick = () => beside(-1);
  byId("next").onclick = () => beside(1);
  // Not location.hash: the name of the rollout shown until now may have replaced it in the meantime.
  window.addEventListener("hashchange", event => openAddress(new URL(event.newURL).hash));
  for (const change of [dark, matchMedia("(max-width: 560px)")])
    change.addEventListener("change", () => { stage.drawn = null; wake(); drawMap(); });
  new ResizeObserver(() => { stage.drawn = null; wake(); }).observe(byId("screen"));
  document.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, summary, pre, #grid")) return;
    if (event.key === "ArrowRight") beside(1);
    else if (event.key === "ArrowLeft") beside(-1);
    else if (event.key === " " && !event.target.matches("button:not(.card[aria-current])")) play(!stage.playing);
    else return;
    event.preventDefault();
  });
  listenForChanges();
  listenForFilters();
  listenForGallery();
  listenForMap();
}

async function start() {
  await loadEngine();
  await loadContent();
  const engines = await Promise.all([1, 2, 3, 4].map(Engine.make));
  stage.engines = engines.slice(0, 2);
  [gallery.engine, gallery.mover] = engines.slice(2);
  byId("random").hidden = !content.centroids.length;
  makeFacets();
  makeRanges();
  listen();
  if (location.hash.length < 2 || !openAddress(location.hash)) {
    const message = byId("name-error").textContent;
    openScenario(unchanged(rollouts[0].set, rollouts[0].index));
    if (message) say(message);
  }
  applyFilters();
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}

start().catch(error => document.querySelector("main").replaceWith(
  make("p", { className: "failure", role: "alert", textContent: error.message })));
