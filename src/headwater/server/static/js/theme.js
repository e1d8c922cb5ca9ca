// Light, dark, or as the system says. The choice is a cookie, so that the server draws the right one at once.

const THEMES = /** @type {const} */ (["system", "light", "dark"]);
const A_YEAR_S = 365 * 24 * 3600;

/** @typedef {(typeof THEMES)[number]} Theme */

/**
 * The theme after this one.
 * @param {string | undefined} theme
 * @returns {Theme}
 */
export function nextTheme(theme) {
  const at = THEMES.indexOf(/** @type {Theme} */ (theme ?? "system"));
  return THEMES[(at + 1) % THEMES.length] ?? "system";
}

/**
 * Make the button of the head work; it is hidden where scripts do not run.
 * @param {Document} page
 */
export function startTheme(page) {
  const button = page.querySelector("[data-theme-toggle]");
  if (!(button instanceof HTMLButtonElement)) return;
  button.hidden = false;
  button.title = `Theme: ${page.documentElement.dataset["theme"]}`;
  button.addEventListener("click", () => {
    const theme = nextTheme(page.documentElement.dataset["theme"]);
    page.documentElement.dataset["theme"] = theme;
    page.cookie = `headwater_theme=${theme}; path=/; max-age=${A_YEAR_S}; samesite=strict`;
    button.title = `Theme: ${theme}`;
    const word = button.querySelector("[data-theme-word]");
    if (word) word.textContent = `Theme: ${theme}`;
    page.dispatchEvent(new CustomEvent("headwater:theme"));
  });
}
