// Puts what the server observes beside the claims, without a reload. No library, no inline code.
"use strict";
(() => {
  const pulse = document.querySelector(".pulse");
  const places = new Map();
  for (const chip of document.querySelectorAll(".chip[data-subject]")) {
    const known = places.get(chip.dataset.subject) ?? [];
    known.push(chip);
    places.set(chip.dataset.subject, known);
  }
  const show = ({ subject, text, state, detail }) => {
    for (const chip of places.get(subject) ?? []) {
      if (chip.textContent !== text) chip.textContent = text;
      chip.className = `chip ${state}`;
      if (detail) chip.title = detail;
    }
  };
  const source = new EventSource("/_/live" + location.search);
  source.addEventListener("evidence", (event) => {
    for (const item of JSON.parse(event.data)) show(item);
    pulse.className = "pulse on";
    pulse.textContent = "live";
  });
  // A new version of the document, or a save that was refused: the page itself is another one.
  source.addEventListener("changed", () => location.reload());
  source.onerror = () => {
    pulse.className = "pulse off";
    pulse.textContent = "not connected";
  };
})();
