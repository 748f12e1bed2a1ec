// Rollouts, computed by the WebAssembly engine (engine/engine.c), or an imported one's stored frames.

const LAST_INDEX = 2 ** 32 - 1;
const MOST_KEPT = 48e6;  // tokens of a run that the page remembers, a byte each

let compiled;            // the engine's WebAssembly.Module

async function loadEngine() {
  try {
    compiled = await WebAssembly.compile(bytesOf("engine"));
    new DecompressionStream("deflate");
  } catch {
    throw new Error("This browser is too old for this page, which computes with WebAssembly: open it in one of 2023 or later.");
  }
}

// One instance holds one rollout at a time.
class Engine {
  static async make() {
    const { exports } = await WebAssembly.instantiate(compiled);
    const engine = Object.assign(new Engine(), { exports });
    const memory = exports.memory.buffer;
    engine.population = new Uint32Array(memory, exports.get_population(), 17);
    engine.drawn = new Int32Array(memory, exports.get_drawn(), 12);
    engine.tokens = new Uint8Array(memory, exports.get_tokens());
    new Int16Array(memory, exports.get_centroids(), 512).set(content.centroids);
    return engine;
  }

  draw({ seed, smallest, largest, shares }, index) {
    this.population.set([seed, smallest, largest, ...shares]);
    this.exports.draw(index);
    const [height, width, family, shift, leak, noiseShift, kind] = this.drawn;
    return { height, width, family: content.families[family], start: START_KINDS[kind], shift, leak, noiseShift };
  }
}
const START_KINDS = ["noise", "patches", "sparse cells", "seeds", "marks on a ground"];

// A rollout with what was changed: the numbers of its start and its noise (null: none), and flips by frame.
const unchanged = (set, index) => ({ set, index, start: index, noise: index, flips: [] });
const isChanged = ({ index, start, noise, flips }) => start !== index || noise !== index || flips.length > 0;

// The frames of a scenario: computed as far as asked for.
class Run {
  constructor(engine, scenario) {
    const recipe = content.sets[scenario.set], { exports } = engine;
    Object.assign(this, { engine, scenario, frames: [], seconds: 0, digest: null });
    Object.assign(this, engine.draw(recipe, scenario.index));
    this.recorded = recipe.frames;
    this.cells = this.height * this.width;
    this.most = Math.max(recipe.frames, Math.floor(MOST_KEPT / this.cells));
    exports.begin(scenario.start, scenario.noise ?? 0, scenario.noise === null ? 0 : 1);
    exports.digest_begin(recipe.frames);
    this.keep();
  }

  keep() {
    const { exports, tokens } = this.engine, frame = this.frames.length;
    for (const flip of this.scenario.flips) if (flip.frame === frame) exports.flip(flip.y, flip.x);
    this.frames.push(tokens.slice(0, this.cells));
    if (frame >= this.recorded) return;
    exports.digest_add();
    if (frame === this.recorded - 1) {
      const sums = new Uint32Array(exports.memory.buffer, exports.digest_end(), 8);
      this.digest = Array.from(sums, sum => sum.toString(16).padStart(8, "0")).join("");
    }
  }

  // Compute up to a frame, or until the deadline; whether that frame is there.
  extend(to, deadline) {
    const wanted = Math.min(to + 1, this.most), began = performance.now();
    let now = began;
    while (this.frames.length < wanted && now < deadline) {
      this.engine.exports.advance();
      this.keep();
      now = performance.now();
    }
    this.seconds += (now - began) / 1000;
    return this.frames.length >= wanted;
  }
}

// An imported rollout has no recipe: its first frames are in the page.
class Clip {
  constructor(rollout) {
    const [height, width] = ["height", "width"].map(name => label(rollout, name)), cells = height * width;
    const stored = Uint8Array.from(atob(content.clips[rollout.name]), character => character.charCodeAt(0));
    const frames = Array.from({ length: stored.length / cells }, (_, at) => stored.subarray(at * cells, (at + 1) * cells));
    Object.assign(this, { height, width, cells, frames, most: frames.length, recorded: label(rollout, "frames"), clip: true });
  }

  extend() { return true; }
}

const runOf = (engine, { set, index }) =>
  set in content.sets ? new Run(engine, unchanged(set, index)) : new Clip(byName.get(nameOf(set, index)));

// The set and index that a name means; an Error says what is wrong with it.
function parseName(text) {
  const match = text.trim().match(/^([a-z][a-z0-9_]*)\/(\d+)$/), sets = Object.keys(content.sets);
  if (!match) throw new Error(`“${text.trim()}” names no rollout: write a set and a number, like ${sets[0] ?? "set1"}/000017.`);
  const [, set] = match, index = Number(match[2]);
  if (!(set in content.sets)) {
    if (byName.has(nameOf(set, index))) return { set, index };
    if (/^set\d+$/.test(set) && sets.length) throw new Error(`There is no ${set} in this dataset: it has ${sets.join(", ")}.`);
    if (/^set\d+$/.test(set)) throw new Error("This page computes no rollouts: it shows imported ones alone.");
    throw new Error(`${nameOf(set, index)} is not in this page: imported rollouts have no recipe to compute them from.`);
  }
  if (index > LAST_INDEX) throw new Error(`${set} ends with ${nameOf(set, LAST_INDEX)}: write a smaller number.`);
  return { set, index };
}
