// A link to an entry that this page does not show asks for the page that does.
function seek() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id || document.getElementById(id)) return;
  if (new URLSearchParams(location.search).get("at") === id) return; // it is no longer held
  location.replace(`/timeline?at=${encodeURIComponent(id)}#${encodeURIComponent(id)}`);
}

addEventListener("hashchange", seek);
seek();
