// The page: choose a model, drop pictures, look, save. Nothing is kept anywhere: closing the page forgets all.

import { element } from "../dom.js";
import { Compare } from "./compare.js";
import { enlarge, findScale } from "./enlarge.js";
import { ModelServer, ServerError } from "./model_server.js";
import { PictureError, readPicture, release } from "./picture.js";

const $ = (id) => document.getElementById(id);
const compare = new Compare();
const jobs = []; // { file, row, state, result, before }
let model = null;
let rules = {};
let running = null;

$("view").append(compare.element);

/** Take a server address from the box, list its models, and describe the first. */
async function connect() {
  setModel(null);
  say("Asking the server ...");
  const server = new ModelServer($("server").value.trim());
  try {
    const names = await server.models();
    $("model-list").hidden = names === null;
    $("model-name").hidden = names !== null;
    if (names === null) {
      say("This server does not list its models: write the name of one.");
      return;
    }
    $("models").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    if (names.length === 0) say("The server has no model that is available.", true);
    else await choose(server, names[0]);
  } catch (error) {
    say(words(error), true);
  }
}

async function choose(server, name) {
  setModel(null);
  say(`Looking at '${name}' ...`);
  try {
    const found = await server.describe(name);
    const scale = found.kind === "upscaler" ? await findScale(server, found) : 1;
    const rule = rules[scale] ?? { halo: 16, stride: 1 };
    $("context").value = rule.halo;
    $("context-row").hidden = found.kind !== "upscaler";
    setModel({ ...found, server, scale, stride: rule.stride });
    say(found.kind === "upscaler" ? `'${name}' enlarges ${scale} times.` : `'${name}' labels every pixel.`);
    next();
  } catch (error) {
    say(words(error), true);
  }
}

function setModel(found) {
  model = found;
  $("kind").textContent = !found ? "" : found.kind === "upscaler" ? `x${found.scale}` : "label maps";
}

/** Add files to the list; they are worked on one after the other. */
function add(files) {
  for (const file of files) {
    const job = { file, state: "waiting", stop: new AbortController() };
    job.row = row(job);
    jobs.push(job);
    $("jobs").append(job.row.element);
  }
  $("empty").hidden = jobs.length > 0;
  next();
}

function row(job) {
  const progress = element("progress", { value: 0, max: 1, "aria-label": `Progress of ${job.file.name}` });
  const text = element("span", { className: "text", role: "status" }, "waiting");
  const button = (label, onclick) => element("button", { type: "button", hidden: true, onclick, "aria-label": `${label} ${job.file.name}` }, label);
  const buttons = {
    show: button("Show", () => show(job)),
    save: button("Save", () => save(job)),
    labels: button("Save labels", () => save(job, "labels")),
    again: button("Try again", () => retry(job)),
    stop: button("Stop", () => job.stop.abort()),
    remove: button("Remove", () => remove(job)),
  };
  buttons.remove.hidden = false;
  const made = element("li", {}, element("span", { className: "file" }, job.file.name), progress, text,
    element("span", { className: "buttons" }, ...Object.values(buttons)));
  return { element: made, progress, text, buttons };
}

function update(job, state, text) {
  job.state = state;
  job.row.text.textContent = text;
  job.row.element.className = state;
  const { show: look, save: keep, labels, again, stop } = job.row.buttons;
  look.hidden = keep.hidden = state !== "done";
  labels.hidden = state !== "done" || !job.labels;
  again.hidden = state !== "failed";
  stop.hidden = state !== "running";
  if (state !== "running") Object.assign(job.row.progress, { max: 1, value: state === "done" ? 1 : 0 });
}

async function next() {
  if (running || !model) return;
  const job = jobs.find(({ state }) => state === "waiting");
  if (!job) return;
  running = job;
  try {
    await work(job, model);
    if (jobs.includes(job)) await show(job);
  } catch (error) {
    update(job, "failed", error.name === "AbortError" ? "stopped" : words(error));
  }
  running = null;
  if (!jobs.includes(job)) forget(job);
  next();
}

async function work(job, chosen) {
  job.stop = new AbortController();
  update(job, "running", "reading ...");
  if (chosen.kind === "segmenter") {
    const { width, height, canvas } = await readPicture(job.file);
    release(canvas);
    update(job, "running", "asking ...");
    const [answer] = await chosen.server.predict(chosen, [job.file], job.stop.signal);
    finish(job, answer.overlay_bytes, { width, height, labels: answer.label_map_bytes, ending: "_overlay", text: "labelled" });
    return;
  }
  const picture = await readPicture(job.file);
  try {
    const canvas = await enlarge(picture, {
      server: chosen.server, model: chosen, scale: chosen.scale, signal: job.stop.signal,
      rule: { halo: Math.max(0, Math.round(Number($("context").value))), stride: chosen.stride },
      onprogress(done, all) {
        Object.assign(job.row.progress, { value: done, max: all });
        job.row.text.textContent = `${done} of ${all} tiles`;
      },
    });
    const { width, height } = canvas;
    update(job, "running", "writing the PNG ...");
    const blob = await canvas.convertToBlob({ type: "image/png" });
    release(canvas);
    finish(job, blob, { width, height, ending: `_x${chosen.scale}`, text: `${picture.width} x ${picture.height} to ${width} x ${height} pixels` });
  } finally {
    release(picture.canvas);
  }
}

function finish(job, result, { width, height, labels = null, ending, text }) {
  Object.assign(job, { result, labels, width, height, ending, summary: text });
  update(job, "done", text);
}

async function show(job) {
  compare.job = job;
  const { file, result, width, height, summary } = job;
  await compare.show({ before: file, after: result, width, height, text: `${file.name}: ${summary}` });
  if (compare.job === null) compare.clear(); // removed meanwhile
}

function save(job, what = "result") {
  const address = URL.createObjectURL(what === "labels" ? job.labels : job.result);
  const ending = what === "labels" ? "_labels" : job.ending;
  const link = element("a", { href: address, download: `${job.file.name.replace(/\.[^.]*$/, "")}${ending}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function retry(job) {
  update(job, "waiting", "waiting");
  next();
}

function remove(job) {
  jobs.splice(jobs.indexOf(job), 1);
  job.stop.abort();
  job.row.element.remove();
  $("empty").hidden = jobs.length > 0;
  if (job !== running) forget(job);
}

function forget(job) {
  if (compare.job === job) {
    compare.clear();
    compare.job = null;
  }
  job.result = job.labels = null;
}

function words(error) {
  if (error instanceof ServerError || error instanceof PictureError || error instanceof RangeError) return error.message;
  console.error(error);
  return `Something went wrong in this page: ${error.message}`;
}

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

$("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});
$("models").addEventListener("change", () => choose(new ModelServer($("server").value.trim()), $("models").value));
$("use-name").addEventListener("click", () => choose(new ModelServer($("server").value.trim()), $("name").value.trim()));
$("files").addEventListener("change", () => {
  add($("files").files);
  $("files").value = "";
});
$("clear").addEventListener("click", () => [...jobs].forEach(remove));
for (const kind of ["dragover", "drop", "dragleave"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") add(event.dataTransfer.files);
  });
}
document.addEventListener("paste", (event) => add(event.clipboardData.files));

$("server").value = new URLSearchParams(location.hash.slice(1)).get("server") ?? "";
$("server").placeholder = location.origin;
rules = await (await fetch("tiling.json")).json();
await connect();
