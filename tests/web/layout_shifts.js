// The sum of a page's layout shifts, and what moved.

window.shifts = 0;
window.moved = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.shifts += entry.value;
    for (const { node } of entry.sources) window.moved.push(String(node?.outerHTML).slice(0, 80));
  }
}).observe({ type: "layout-shift", buffered: true });
