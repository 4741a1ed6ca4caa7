// The equal call in each framework, to copy.

import { element } from "../../dom.js";
import { equivalents } from "../equivalents.js";
import { commandLine } from "../state.js";

export function createCalls({ announce }) {
  const list = element("dl", { className: "frameworks" });
  return {
    id: "calls",
    title: "The same in every framework",
    body: [list],
    draw(view) {
      const found = equivalents(view.axes);
      const command = commandLine(view.state, view.x, view.kernel);
      const entries = [...found, { framework: "Command line", call: command, note: "" }];
      list.replaceChildren(
        ...entries.flatMap(({ framework, call, note }) => [
          element("dt", {}, framework),
          element("dd", {},
            element("div", {},
              call === null ? null : element("code", {}, call),
              call === null ? quiet(`no equivalent: ${note}`) : note ? quiet(`, ${note}`) : null),
            call === null ? null : element("button", { type: "button", className: "copy", "aria-label": `Copy the call of ${framework}`, onclick: () => copy(call, framework, announce) }, "Copy"),
          ),
        ]),
      );
    },
  };
}

const quiet = (text) => element("span", { className: "none" }, text);

async function copy(text, name, announce) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`Copied the call of ${name}.`);
  } catch {
    announce("The browser does not let this page copy: select the text instead.");
  }
}
