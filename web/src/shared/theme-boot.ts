// Runs before the first paint, so that a stored choice never flashes in the other colours. Storage may be forbidden.
try {
  const choice = localStorage.getItem("chatbridge.theme");
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
} catch {
  // Without storage the page follows the system.
}
