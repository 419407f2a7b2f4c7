// Whether red or green is up. A cookie keeps it, so the server paints the right one at once.
const YEAR_S = 31_536_000;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set-prices]");
  if (!button) return;
  const chosen = button.dataset.setPrices;
  if (chosen === "china") delete document.documentElement.dataset.prices;
  else document.documentElement.dataset.prices = chosen;
  document.cookie = `mdhub-prices=${chosen}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  for (const each of document.querySelectorAll("[data-set-prices]")) {
    each.setAttribute("aria-pressed", String(each === button));
  }
});
