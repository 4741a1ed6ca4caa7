// Browsers load no modules from files that were opened without a server. This script holds the modules' texts
// (docs/hooks.py puts them here), gives each an address in memory, and starts the first.
(() => {
  const { entry, texts } = MODULES;
  const root = new URL(".", document.currentScript.src).href;
  const made = new Map();

  function address(path) {
    if (!made.has(path)) {
      const text = texts[path]
        .replace(/(\bfrom ")(\.[^"]+)(")/g, (_, before, name, after) => before + address(beside(path, name)) + after)
        .replaceAll("import.meta.url", JSON.stringify(root + path));
      made.set(path, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    }
    return made.get(path);
  }

  function beside(path, name) {
    return new URL(name, `http://root/${path}`).pathname.slice(1);
  }

  import(address(entry));
})();
