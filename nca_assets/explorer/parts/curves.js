// Curves over time: what the frames so far amount to.

const CURVES = [
  { of: "entropy", title: "Entropy of the tokens, bits", most: 5 },
  { of: "change", title: "Cells that change in a step, %", most: 100 },
  { of: "difference", title: "Cells that differ from the original, %", most: 100 },
];
const POINTS = 260;

let curves = { entropy: [], change: [], difference: [] };

function resetCurves(all) {
  curves = all ? { entropy: [], change: [], difference: [] } : { ...curves, difference: [] };
}

function entropyOf(tokens) {
  const counts = new Uint32Array(32);
  for (const token of tokens) counts[token]++;
  return counts.reduce((sum, count) => count ? sum - count / tokens.length * Math.log2(count / tokens.length) : sum, 0);
}

function shareDiffering(before, after) {
  let cells = 0;
  for (let cell = 0; cell < before.length; cell++) cells += before[cell] !== after[cell];
  return 100 * cells / before.length;
}

function measure() {
  const { original, changed } = stage, { frames } = original;
  for (let at = curves.entropy.length; at < frames.length; at++) {
    curves.entropy.push(entropyOf(frames[at]));
    curves.change.push(at ? shareDiffering(frames[at - 1], frames[at]) : 0);
  }
  const both = changed ? Math.min(frames.length, changed.frames.length) : 0;
  for (let at = curves.difference.length; at < both; at++)
    curves.difference.push(shareDiffering(frames[at], changed.frames[at]));
}

function drawCurves(at) {
  measure();
  const last = Math.max(stage.original.clip ? stage.original.most - 1 : stage.original.recorded - 1, lastFrame(), 1);
  const x = frame => (500 * frame / last).toFixed(1);
  byId("curves").innerHTML = CURVES.filter(({ of }) => curves[of].length).map(({ of, title, most }) => {
    const values = curves[of], each = Math.max(1, Math.ceil(values.length / POINTS));
    const top = most === 5 ? 5 : [2, 5, 10, 20, 50, 100].find(level => values.every(value => value <= level));
    let path = "";
    for (let from = of === "change" ? 1 : 0; from < values.length; from += each) {
      const some = values.slice(from, from + each), mean = some.reduce((sum, value) => sum + value, 0) / some.length;
      path += `${path ? "L" : "M"}${x(from + (some.length - 1) / 2)} ${(64 - 44 * mean / top).toFixed(1)}`;
    }
    const value = values[at] === undefined ? "" : values[at].toFixed(most === 5 ? 2 : 1);
    return `<svg viewBox="0 16 500 52" preserveAspectRatio="none" role="img" aria-label="${title}, 0 to ${top}: ${value} at frame ${at}">
      <path class="axis" d="M0 20H500M0 64H500"/><path d="${path}"/><path class="now" d="M${x(at)} 20V64"/></svg>
      <div class="under"><span>${title}, 0 to ${top}</span><span>${value}</span></div>`;
  }).join("");
}
