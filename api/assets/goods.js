// The box in the head of a list ticks every box below it; the bar of actions says how many there are.
const all = document.querySelector("[data-check-all]");
const boxes = [...document.querySelectorAll("input[type=checkbox][name=id]")];
const bar = document.querySelector(".bulkbar");
document.documentElement.classList.add("scripted");

function update() {
  const chosen = boxes.filter((box) => box.checked).length;
  if (all) {
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  bar?.classList.toggle("bulkbar-active", chosen > 0);
  for (const button of bar?.querySelectorAll("button") ?? []) button.disabled = chosen === 0;
}

all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
  update();
});
for (const box of boxes) box.addEventListener("change", update);
// After the browser has restored what was ticked.
addEventListener("pageshow", () => setTimeout(update, 0));
