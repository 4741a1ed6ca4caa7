// What has the focus: its place in the page, and whether it shows.

() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => e.shadowRoot ? [e, ...all(e.shadowRoot)] : [e]);
    const shown = (node) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    const holder = at.closest("label, fieldset") ?? at;
    const box = at.getBoundingClientRect();
    return {
        index: at === document.body ? -1 : all(document.body).indexOf(at),
        html: at.outerHTML.slice(0, 90),
        shown: shown(at) || [...holder.querySelectorAll("*")].some(shown) || shown(holder),
        seen: at === document.body || (box.bottom > 0 && box.top < innerHeight) || box.width <= 1,
    };
}
