// The gallery: a picture of each rollout, computed when it comes into view, and in motion under the pointer.

const THUMB_FRAME = 64, THUMB_ROOM = 96, CARDS_AT_ONCE = 48;

const gallery = { engine: null, mover: null, wanted: [], cards: 0, run: null, moving: null };

const inView = new IntersectionObserver(entries => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    inView.unobserve(target);
    wantThumb(target.rollout, target.querySelector("canvas"));
  }
}, { rootMargin: "150px" });

function makeCard(rollout) {
  if (rollout.card) return rollout.card;
  const behavior = label(rollout, "behavior");
  rollout.card = make("button", { className: "card", type: "button", rollout },
    make("span", { className: "thumb" }, make("canvas", { width: 1, height: 1 })),
    make("b", { textContent: rollout.name }),
    make("span", { className: "what" }, glyph(behavior), behavior));
  rollout.card.onclick = () => openScenario(unchanged(rollout.set, rollout.index));
  for (const type of ["pointerenter", "focus"]) rollout.card.addEventListener(type, () => move(rollout));
  for (const type of ["pointerleave", "blur"]) rollout.card.addEventListener(type, () => move(null));
  inView.observe(rollout.card);
  return rollout.card;
}

function showGallery() {
  const name = byId("sort").value, sign = byId("direction").getAttribute("aria-pressed") === "true" ? -1 : 1;
  const value = rollout => name === "rollout_id" ? rollout.name : label(rollout, name);
  const shown = [...passing];
  if (name) shown.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null);  // what has none comes last
    return (name === "rollout_id" ? sign : -sign) * (x < y ? -1 : x > y ? 1 : 0);
  });
  else if (sign < 0) shown.reverse();
  gallery.shown = shown;
  gallery.cards = 0;
  byId("gallery").replaceChildren();
  showMore();
}

function showMore() {
  const from = gallery.cards, to = Math.min(from + CARDS_AT_ONCE, gallery.shown.length);
  byId("gallery").append(...gallery.shown.slice(from, to).map(makeCard));
  gallery.cards = to;
  markCurrent();
  byId("more").hidden = to === gallery.shown.length;
  byId("more").textContent = `Show ${Math.min(CARDS_AT_ONCE, gallery.shown.length - to)} more`;
}

function markCurrent() {
  for (const card of document.querySelectorAll(".card[aria-current]")) card.removeAttribute("aria-current");
  byName.get(nameOf(stage.scenario.set, stage.scenario.index))?.card?.setAttribute("aria-current", "true");
}

function wantThumb(rollout, canvas) {
  if (rollout.thumb) return drawThumb(rollout, canvas);
  gallery.wanted.push([rollout, canvas]);
  wake();
}

function drawThumb(rollout, canvas) {
  paint(canvas, rollout.thumb, rollout.shape, palettes[rollout.set]);
  fit(canvas, rollout.shape, THUMB_ROOM, THUMB_ROOM, 12);
}

// Some milliseconds of computing thumbnails; whether more remain.
function computeThumbs(deadline) {
  while (gallery.wanted.length && performance.now() < deadline) {
    const [rollout, canvas] = gallery.wanted[0];
    gallery.run ??= runOf(gallery.engine, rollout);
    if (!gallery.run.extend(THUMB_FRAME, deadline)) break;
    const { height, width, frames } = gallery.run;
    Object.assign(rollout, { shape: { height, width }, thumb: frames[Math.min(THUMB_FRAME, frames.length - 1)] });
    drawThumb(rollout, canvas);
    gallery.drawn = true;
    gallery.wanted.shift();
    gallery.run = null;
  }
  if (gallery.drawn && !gallery.wanted.length) document.body.dataset.thumbsMs ??= Math.round(performance.now());
  return gallery.wanted.length > 0;
}

// Set a card's picture in motion, if that is welcome; null: none.
function move(rollout) {
  if (gallery.moving?.rollout.thumb) drawThumb(gallery.moving.rollout, gallery.moving.canvas);
  gallery.moving = null;
  if (!rollout?.thumb || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  gallery.moving = { rollout, canvas: rollout.card.querySelector("canvas"), run: runOf(gallery.mover, rollout), since: performance.now() };
  wake();
}

function advanceMoving(now, deadline) {
  if (!gallery.moving) return false;
  const { run, rollout, canvas, since } = gallery.moving, at = Math.floor((now - since) / 40) % run.recorded;
  run.extend(at, deadline);
  paint(canvas, run.frames[Math.min(Math.max(at, 0), run.frames.length - 1)], run, palettes[rollout.set]);
  return true;
}

function listenForGallery() {
  byId("sort").append(make("option", { value: "" }, "structure, classes in turn"), make("option", { value: "rollout_id" }, "name"),
    ...numeric().map(name => make("option", { value: name }, words(name))));
  byId("sort").onchange = showGallery;
  byId("direction").onclick = () => {
    const reversed = byId("direction").getAttribute("aria-pressed") !== "true";
    byId("direction").setAttribute("aria-pressed", String(reversed));
    byId("direction").textContent = reversed ? "↑" : "↓";
    showGallery();
  };
  byId("more").onclick = showMore;
}
