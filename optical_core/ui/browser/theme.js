// Tells when the page's theme has changed: a figure has its colours, so it must be drawn anew.

export default function (component) {
  const { parentElement } = component;
  let probe = parentElement.querySelector(".theme");
  if (!probe) {
    probe = document.createElement("div");
    probe.className = "theme";
    parentElement.append(probe);
  }
  probe.ontransitionend = () => component.setTriggerValue("changed", true);
}
