"use strict";
// What the page knows: the content that Python packed, and the labeled rollouts.

const byId = id => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const bytesOf = id => Uint8Array.from(atob(byId(id).textContent), character => character.charCodeAt(0));

let content;          // see content.py
const column = {};    // by name: { name, meaning, values }
const rollouts = [];  // labeled ones, in the order in which they are shown: { name, set, index, row, collections }
const byName = new Map();
const palettes = {};  // by set: the colors of the tokens, as pixels

async function loadContent() {
  const unpacked = new Blob([bytesOf("content")]).stream().pipeThrough(new DecompressionStream("deflate"));
  content = await new Response(unpacked).json();
  for (const each of content.columns) column[each.name] = each;
  column.rollout_id.values.forEach((name, row) => {
    const rollout = { name, set: column.set_name.values[row], index: column.rollout_index.values[row], row, collections: [] };
    rollouts.push(rollout);
    byName.set(name, rollout);
  });
  for (const [name, rows] of Object.entries(content.collections)) for (const row of rows) rollouts[row].collections.push(name);
  for (const [set, colors] of Object.entries(content.colors)) palettes[set] = Uint32Array.from(colors, pixelOf);
  for (const set of Object.keys(content.sets)) palettes[set] ??= Object.values(palettes)[0];
}

const label = (rollout, name) => column[name].values[rollout.row];
const words = name => name.replaceAll("_", " ");
const nameOf = (set, index) => `${set}/${String(index).padStart(6, "0")}`;

function pixelOf(color) {
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
  return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
}

function shortNumber(value) {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

// Each class has a shape beside its color, around (0, 0) and from -1 to 1.
const SHAPES = [
  "M-.35-1.1H.35V1.1H-.35Z",
  "M0-1.1L1 .8H-1Z",
  "M-.85-.85H.85V.85H-.85Z",
  "M0-1.2L1.2 0 0 1.2-1.2 0Z",
  "M0 1.1L1-.8H-1Z",
  "M-.35-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
  "M-1-.35H1V.35H-1Z",
  "M0-1.2L.35-.4 1.2-.35.55.2.75 1.1 0 .6-.75 1.1-.55.2-1.2-.35-.35-.4Z",
  "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z",
  "M-.8-.3L-.3-.8 0-.5.3-.8.8-.3.5 0 .8.3.3.8 0 .5-.3.8-.8.3-.5 0Z",
  "M-1-1L1 0-1 1Z",
  "M1-1L-1 0 1 1Z",
];
const shapeOf = behavior => SHAPES[Object.keys(content.classes).indexOf(behavior) % SHAPES.length];

function glyph(behavior) {
  const holder = make("span");
  holder.innerHTML = `<svg class="glyph" viewBox="-1.3 -1.3 2.6 2.6" aria-hidden="true">
    <path d="${shapeOf(behavior)}" fill="${content.classes[behavior]}" vector-effect="non-scaling-stroke"/></svg>`;
  return holder.firstChild;
}
