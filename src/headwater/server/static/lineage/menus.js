// Menus that open over the page: one at a time, and a click elsewhere or Esc closes them.

/** @param {HTMLElement} place */
export function startMenus(place) {
  const menus = /** @type {HTMLDetailsElement[]} */ ([...place.querySelectorAll("details.menu, details.legend")]);
  const others = (/** @type {EventTarget | null} */ target) =>
    menus.filter((menu) => menu.open && !(target instanceof Node && menu.contains(target)));
  document.addEventListener("pointerdown", (event) => {
    for (const menu of others(event.target)) if (menu.classList.contains("menu")) menu.open = false;
  });
  place.addEventListener("focusin", (event) => {
    for (const menu of others(event.target)) if (menu.classList.contains("menu")) menu.open = false;
  });
  for (const menu of menus) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
      event.preventDefault();
      event.stopPropagation();
    });
  }
}
