// The rollout on the stage: computing ahead, playing, drawing.

const AHEAD = 120;    // frames computed beyond the one shown
const MOST_SCALE = 44; // screen pixels of a cell

const stage = { engines: [], original: null, changed: null, shown: "original", frame: 0, playing: false, since: 0 };

function setScenario(scenario, frame = 0) {
  const same = stage.original && stage.scenario.set === scenario.set && stage.scenario.index === scenario.index;
  if (!same) stage.original = runOf(stage.engines[0], scenario);
  stage.changed = isChanged(scenario) ? new Run(stage.engines[1], scenario) : null;
  if (!stage.changed) stage.shown = "original";
  else if (!same || stage.shown === "original") stage.shown = scenario.flips.length ? "difference" : "changed";
  Object.assign(stage, { scenario, frame: Math.min(frame, stage.original.most - 1), proofShown: false, drawn: null });
  byId("grid").setAttribute("aria-label", `Grid of ${stage.original.height} rows and ${stage.original.width} columns`);
  showChanges();
  resetCurves(!same);
  wake();
}

// Some milliseconds of computing; whether more remains to be done.
function computeStage(deadline) {
  const { original, changed, frame } = stage, to = Math.max(original.recorded - 1, frame + (stage.playing ? AHEAD : 0));
  const done = original.extend(to, deadline) && (!changed || changed.extend(to, deadline));
  if (!stage.proofShown && (original.digest || original.clip)) showProof();
  return !done;
}

const lastFrame = () => Math.min(stage.original.frames.length, stage.changed?.frames.length ?? Infinity) - 1;

function advanceStage(now) {
  if (!stage.playing) return;
  const step = 1000 / Number(byId("speed").value), frames = Math.floor((now - stage.since) / step);
  if (frames < 1) return;
  stage.since = frames > 4 ? now : stage.since + frames * step;  // a hidden page does not catch up
  stage.frame = Math.min(stage.frame + Math.min(frames, 4), Math.max(lastFrame(), stage.frame));
  if (stage.frame >= stage.original.most - 1) play(false);
}

function play(on) {
  if (on && stage.frame >= stage.original.most - 1) stage.frame = 0;
  Object.assign(stage, { playing: on, since: performance.now() });
  byId("play").textContent = on ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
  wake();
}

function drawStage() {
  const { original, changed, shown } = stage, at = Math.min(stage.frame, original.frames.length - 1);
  const before = original.frames[at], after = changed?.frames[at];  // none while the changed rollout catches up
  const state = `${at} ${after && shown} ${lastFrame()}`;
  if (stage.drawn === state) return;
  stage.drawn = state;
  const canvas = byId("grid"), palette = palettes[stage.scenario.set];
  if (after && shown === "difference") paintDifference(canvas, before, after, original, palette);
  else paint(canvas, after && shown === "changed" ? after : before, original, palette);
  const screen = byId("screen"), narrow = matchMedia("(max-width: 560px)").matches;
  fit(canvas, original, screen.clientWidth - (narrow ? 0 : 16), narrow ? screen.clientWidth : screen.clientHeight - 16, MOST_SCALE);
  showFrame(at, Math.max(original.recorded - 1, lastFrame()));
}

function showFrame(at, last) {
  const scrub = byId("scrub");
  scrub.max = Math.min(last, stage.original.most - 1);
  scrub.value = at;
  scrub.setAttribute("aria-valuetext", `frame ${at}`);
  byId("frame").textContent = `frame ${at}`;
  if (stage.changed) showEffect(at);
  drawCurves(at);
}

function showProof() {
  stage.proofShown = true;
  const { original, scenario } = stage, proof = byId("proof"), labeled = byName.get(nameOf(scenario.set, scenario.index));
  if (original.clip) {
    proof.textContent = `An imported rollout: its first ${original.most} frames are in this page.`;
    return;
  }
  const { frames } = content.sets[scenario.set], rate = Math.round((frames - 1) / original.seconds).toLocaleString("en");
  proof.replaceChildren(`${frames} frames computed, ${rate} a second.`, make("br"),
    make("span", { id: "digest", textContent: original.digest, title: "SHA-256 of its tokens" }), make("br"));
  if (!labeled) proof.append("Not labeled here, so there is no other digest to compare.");
  else if (label(labeled, "digest") === original.digest)
    proof.append(make("b", { className: "equal", textContent: "✓ Equal to the digest in the manifest of its shard." }));
  else
    proof.append(make("b", { className: "unequal", textContent: "✗ Not the digest in the manifest of its shard" }),
      `, ${label(labeled, "digest").slice(0, 12)}…: the shard was made with another vocabulary or recipe than this page has.`);
}

// Tokens as pixels, one for each cell; `fit` enlarges them by a whole number.
function paint(canvas, tokens, { height, width }, palette) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let cell = 0; cell < pixels.length; cell++) pixels[cell] = palette[tokens[cell]];
  context.putImageData(image, 0, 0);
}

// Cells that differ in their colors, all others faded.
function paintDifference(canvas, before, after, shape, palette) {
  const ground = isDark() ? 34 : 232, faded = palette.map(color => {
    const gray = ((color & 255) + (color >> 8 & 255) + (color >> 16 & 255)) / 3;
    const level = Math.round(.86 * ground + .14 * gray);
    return (255 << 24 | level << 16 | level << 8 | level) >>> 0;
  });
  const both = new Uint32Array(64);
  both.set(faded, 0);
  both.set(palette, 32);
  paint(canvas, after.map((token, cell) => token === before[cell] ? token : token + 32), shape, both);
}

function fit(canvas, { height, width }, roomAcross, roomDown, most) {
  const room = Math.min(roomAcross / width, roomDown / height, most), scale = room < 1 ? room : Math.floor(room);
  Object.assign(canvas.style, { width: `${scale * width}px`, height: `${scale * height}px` });
}

const dark = matchMedia("(prefers-color-scheme: dark)"), isDark = () => dark.matches;
