// Texts of a page whose contrast with what lies under them is below WCAG's 4.5.

() => {
    const luminance = (levels) => {
        const [r, g, b] = levels.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
    const parent = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
    const ground = (node) => {
        for (; node; node = parent(node)) {
            const [r, g, b, alpha = 1] = numbers(getComputedStyle(node).backgroundColor);
            if (alpha === 1) return [r, g, b];
            if (alpha > 0) throw new Error("half transparent: " + node.outerHTML.slice(0, 90));
        }
        return [255, 255, 255];
    };
    const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => e.shadowRoot ? [e, ...all(e.shadowRoot)] : [e]);
    const bad = [];
    for (const found of all(document.body)) {
        const own = [...found.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!(own || found.value) || !found.checkVisibility({ visibilityProperty: true }) || found.disabled) continue;
        if (["OPTION", "PROGRESS", "METER", "STYLE", "SCRIPT"].includes(found.tagName)) continue;
        if (found.type === "range" || found.type === "radio") continue;
        const style = getComputedStyle(found);
        const [one, other] = [luminance(numbers(style.color).slice(0, 3)), luminance(ground(found))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) bad.push([contrast.toFixed(2), style.color, ground(found).join(), found.outerHTML.slice(0, 90)]);
    }
    return bad;
}
