// The page: choose a model, drop pictures, look, save. Nothing is kept anywhere: closing the page forgets all.

import { element } from "../dom.js";
import { Compare } from "./compare.js";
import { enlarge, findScale } from "./enlarge.js";
import { label } from "./label.js";
import { ModelServer, ServerError } from "./model_server.js";
import { PictureError, readPicture, release } from "./picture.js";
import { GUESSED_TILE, WHOLE, guessedRule, scaleText } from "./tile_rule.js";

const $ = (id) => document.getElementById(id);
const compare = new Compare();
const jobs = []; // { file, row, state, result, before }
let model = null;
let running = null;
let question = 0; // number of the newest question about models: older answers come too late

$("view").append(compare.element);

/** Take a server address from the box, list its models, and choose the first that takes pictures. */
async function connect() {
  const mine = ++question;
  setModel(null);
  say("Asking the server ...");
  const server = new ModelServer($("server").value.trim());
  try {
    const names = await server.models();
    if (mine !== question) return;
    $("model-list").hidden = names === null;
    $("model-name").hidden = names !== null;
    if (names === null) {
      say("This server does not list its models: write the name of one.");
      return;
    }
    $("models").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    if (names.length === 0) say("The server has no model that is available.", true);
    else await chooseFirst(server, names, mine);
  } catch (error) {
    if (mine === question) say(words(error), true);
  }
}

async function chooseFirst(server, names, mine) {
  let failure = null;
  for (const name of names) {
    try {
      if (await use(server, name, mine)) $("models").value = name;
      return;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

async function choose(server, name) {
  const mine = ++question;
  setModel(null);
  say(`Looking at '${name}' ...`);
  try {
    await use(server, name, mine);
  } catch (error) {
    if (mine === question) say(words(error), true);
  }
}

/** Take a model if nothing was asked since; returns whether. */
async function use(server, name, mine) {
  const found = await server.describe(name);
  const isUpscaler = found.kind === "upscaler";
  const scale = isUpscaler ? (found.rule?.scale ?? guessedRule(0, await findScale(server, found)).scale) : null;
  if (mine !== question) return false;
  $("context-row").hidden = !isUpscaler || found.rule !== null;
  setModel({ ...found, server, scale });
  say(`'${name}' ${isUpscaler ? `enlarges ${scaleText(scale)} times` : "labels every pixel"}. ${howCut(found)}`);
  next();
  return true;
}

function howCut({ kind, rule }) {
  if (rule) return `Large pictures go in exact tiles of up to ${rule.tile[1]} x ${rule.tile[0]} pixels.`;
  const unsaid = "It does not say how pictures are cut for it (export it with tile=)";
  if (kind === "segmenter") return `${unsaid}: they go whole, in one request.`;
  return `${unsaid}: above ${GUESSED_TILE} pixels they go in tiles with the context chosen, and may show seams.`;
}

/** The rule by which a picture is cut for a model. */
function ruleFor({ kind, rule, scale }) {
  if (rule) return rule;
  if (kind === "segmenter") return WHOLE;
  return guessedRule(Math.max(0, Math.round(Number($("context").value))), scale[0][0]);
}

function setModel(found) {
  model = found;
  $("kind").textContent = !found ? "" : found.kind === "upscaler" ? `x${scaleText(found.scale)}` : "label maps";
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
  const picture = await readPicture(job.file);
  let sheets = [];
  let tiles = 1;
  try {
    const options = {
      server: chosen.server, model: chosen, rule: ruleFor(chosen), signal: job.stop.signal,
      onprogress(done, all) {
        tiles = all;
        Object.assign(job.row.progress, { value: done, max: all });
        job.row.text.textContent = `${done} of ${all} tiles`;
      },
    };
    const isUpscaler = chosen.kind === "upscaler";
    sheets = isUpscaler ? [await enlarge(picture, options)] : await label(picture, options);
    const [{ width, height }] = sheets;
    update(job, "running", "writing the PNG ...");
    const [result, labels] = await Promise.all(sheets.map((sheet) => sheet.png()));
    const from = `${picture.width} x ${picture.height}`;
    const text = isUpscaler ? `${from} to ${width} x ${height} pixels` : `${from} pixels labelled`;
    const reduced = picture.deep ? ", in 8 of its 16 bits: `tfdeconv upscale` keeps them" : "";
    const guessed = isUpscaler && !chosen.rule && tiles > 1 ? `, in ${tiles} tiles that may show seams` : "";
    finish(job, result, { width, height, labels, ending: isUpscaler ? `_x${scaleText(chosen.scale).replace("/", "-")}` : "_overlay", text: text + reduced + guessed });
  } finally {
    for (const sheet of sheets) sheet.release();
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

document.body.classList.remove("waiting");
$("server").value = new URLSearchParams(location.hash.slice(1)).get("server") ?? "";
$("server").placeholder = location.origin;
await connect();
