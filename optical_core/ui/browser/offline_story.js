// A story in a file of its own. The address keeps the step: #3.

const told = new Story(
  document.querySelector(".story"), JSON.parse(document.getElementById("flows").textContent)
);
const named = () => told.show((Number(location.hash.slice(1)) || 1) - 1);
told.told = step => history.replaceState(null, "", `#${step + 1}`);
window.addEventListener("hashchange", named);
named();
