// The product form: rows follow the specifications while typing, and pictures are uploaded and sorted at
// once. Without this file the form does the same with buttons; the fields and their names are the same.
const form = document.querySelector("[data-product-form]");
// Where this console's session is, when several are open in one browser.
const seat = document.documentElement.dataset.seat;
if (form) {
  document.documentElement.classList.add("scripted");
  specifications(form);
  pictures(form);
}

function specifications(form) {
  const slots = [...form.querySelectorAll("[data-spec]")];
  const body = form.querySelector("[data-rows]");
  const blank = document.getElementById("sku-row");
  const single = body.querySelector("[data-label-of-row]")?.textContent ?? "";
  const add = form.querySelector("[data-add-spec]");
  const count = form.querySelector("[data-rows-count]");
  const most = 200;
  // Rows that a change of values took away come back with what was typed, when the value comes back.
  const known = new Map();

  const field = (row, name) => row.querySelector(`[data-field="${name}"]`);
  const showSlots = () => {
    for (const slot of slots) slot.hidden = slot.dataset.unused !== undefined;
    add.hidden = !slots.some((slot) => slot.hidden);
  };
  add.addEventListener("click", () => {
    const next = slots.find((slot) => slot.hidden);
    if (!next) return;
    delete next.dataset.unused;
    showSlots();
    next.querySelector("input").focus();
  });
  showSlots();

  const lists = () =>
    slots
      .map((slot) => ({
        name: slot.querySelector("input").value.trim(),
        values: slot.querySelector("textarea").value.split("\n").map((value) => value.trim()).filter(Boolean),
      }))
      .filter((spec) => spec.name || spec.values.length);

  function follow() {
    const specs = lists();
    const total = specs.reduce((product, spec) => product * spec.values.length, 1);
    if (specs.some((spec) => !spec.values.length) || total > most) return;
    const combinations = specs.reduce(
      (begun, spec) => begun.flatMap((values) => spec.values.map((value) => [...values, value])),
      [[]],
    );
    for (const row of body.querySelectorAll("[data-row]")) known.set(row.dataset.key, row);
    const first = known.get("") ?? body.querySelector("[data-row]");
    const rows = combinations.map((values) => {
      const key = values.join("\n");
      let row = known.get(key);
      if (!row) {
        row = blank.content.querySelector("[data-row]").cloneNode(true);
        row.dataset.key = key;
        field(row, "values").value = key;
        for (const name of ["price", "market_price", "weight_g"]) {
          field(row, name).value = first ? field(first, name).value : "";
        }
        known.set(key, row);
      }
      row.querySelector("[data-label-of-row]").textContent = values.join(" / ") || single;
      return row;
    });
    body.replaceChildren(...rows);
    rows.forEach((row, index) => {
      for (const input of row.querySelectorAll("[data-field]")) {
        input.name = `skus[${index}].${input.dataset.field}`;
      }
    });
    if (count) count.textContent = count.textContent.replace(/\d+/, String(rows.length));
    fillAll.hidden = rows.length < 2;
  }

  const fillAll = form.querySelector("[data-fill-all]");
  fillAll.hidden = body.children.length < 2;
  form.querySelector("[data-fill-now]").addEventListener("click", () => {
    for (const source of fillAll.querySelectorAll("[data-fill]")) {
      if (source.value === "") continue;
      for (const row of body.querySelectorAll("[data-row]")) field(row, source.dataset.fill).value = source.value;
    }
    form.dispatchEvent(new Event("input", { bubbles: true }));
  });
  for (const slot of slots) slot.addEventListener("input", follow);
}

function pictures(form) {
  const list = form.querySelector("[data-pictures]");
  const input = form.querySelector("input[name=picture_file]");
  const error = form.querySelector("[data-picture-error]");
  const text = form.dataset;
  const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));

  function dress(item) {
    const tools = document.createElement("span");
    tools.className = "picture-tools";
    const tool = (label, sign, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.title = label;
      button.textContent = sign;
      button.addEventListener("click", () => {
        act();
        changed();
      });
      tools.append(button);
    };
    tool(text.left, "‹", () => item.previousElementSibling?.before(item));
    tool(text.remove, "×", () => item.remove());
    tool(text.right, "›", () => item.nextElementSibling?.after(item));
    // Places are for forms without a script; here the order of the list is the order.
    item.querySelector(".no-script")?.remove();
    item.append(tools);
    item.draggable = true;
    item.addEventListener("dragstart", () => item.classList.add("dragged"));
    item.addEventListener("dragend", () => {
      item.classList.remove("dragged");
      changed();
    });
    item.addEventListener("dragover", (event) => {
      event.preventDefault();
      const moved = list.querySelector(".dragged");
      if (!moved || moved === item) return;
      const box = item.getBoundingClientRect();
      if (event.clientX > box.left + box.width / 2) item.after(moved);
      else item.before(moved);
    });
  }
  for (const item of list.children) dress(item);
  if (!input) return;

  function complain(message) {
    error.textContent = message;
    error.hidden = !message;
  }

  input.addEventListener("change", async () => {
    complain("");
    const files = [...input.files];
    input.value = "";
    for (const file of files) {
      if (list.children.length >= Number(text.most)) {
        complain(text.tooMany);
        return;
      }
      const item = document.createElement("li");
      item.className = "uploading";
      item.textContent = text.uploading;
      list.append(item);
      const body = new FormData();
      body.append("purpose", "picture");
      body.append("file", file);
      try {
        const answer = await fetch(`${seat}/api/v1/media`, {
          method: "POST",
          body,
          headers: {
            "x-csrf-token": form.querySelector("[name=_csrf]").value,
            "accept-language": document.documentElement.lang,
          },
        });
        const media = await answer.json();
        if (!answer.ok) throw new Error(media.errors?.[0]?.message ?? media.title);
        const hidden = document.createElement("input");
        hidden.type = "hidden";
        hidden.name = "picture";
        hidden.value = media.id;
        const image = document.createElement("img");
        image.src = `${seat}/api/v1/media/${media.id}/content`;
        image.alt = "";
        image.width = image.height = 120;
        item.className = "";
        item.replaceChildren(hidden, image);
        dress(item);
        changed();
      } catch (problem) {
        item.remove();
        complain(problem.message || text.uploadFailed);
      }
    }
  });
}
