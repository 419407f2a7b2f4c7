// Theme: dark, light, or as the system. A cookie keeps it, so the server paints the right one at once.
const YEAR_S = 31_536_000;

export function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.cookie = `mdhub-theme=${theme}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
  }
}

export function startTheme() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (button) setTheme(button.dataset.setTheme);
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) || button) menu.open = false;
    }
  });
}
