// A story on a page of the app. A rerun with the same story only chooses the step.

const stories = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  const shape = JSON.stringify([data.html, data.flows, data.dark]);
  let story = stories.get(parentElement);
  if (story?.shape !== shape) {
    story?.end();
    const root = add(parentElement, "div", { class: data.dark ? "story dark" : "story", lang: "en" });
    root.innerHTML = data.html;  // made by optical_core.ui.stories, which escapes all texts
    story = new Story(root, data.flows);
    story.shape = shape;
    stories.set(parentElement, story);
  }
  story.told = step => component.setTriggerValue("step", step + 1);
  story.show(data.step - 1);
  return () => {
    stories.get(parentElement)?.end();
    stories.delete(parentElement);
  };
}
