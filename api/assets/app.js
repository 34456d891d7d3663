// Small enhancements; every page works without them.

// A form or button with data-confirm asks first, in a dialog of the page.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const text = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (text && !form.dataset.confirmed) {
    event.preventDefault();
    confirmDialog(text, form, event.submitter);
    return;
  }
  form.dataset.sent = "yes";
  // A second press must not send the form twice.
  for (const button of form.querySelectorAll("button[type=submit]")) {
    setTimeout(() => (button.disabled = true), 0);
  }
});

function confirmDialog(text, form, submitter) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const message = document.createElement("p");
  message.textContent = text;
  const actions = document.createElement("div");
  actions.className = "actions";
  const zh = document.documentElement.lang.startsWith("zh");
  const cancel = button(zh ? "取消" : "Cancel", "button");
  const agree = button(submitter?.textContent.trim() || (zh ? "确定" : "OK"), "button button-danger");
  actions.append(cancel, agree);
  dialog.append(message, actions);
  document.body.append(dialog);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  agree.addEventListener("click", () => {
    form.dataset.confirmed = "yes";
    dialog.close();
    form.requestSubmit(submitter ?? undefined);
  });
  dialog.showModal();
}

function button(text, className) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = text;
  return element;
}

// Parts that belong to some choices of a select are there only with those: data-when is its name, data-is the choices.
for (const part of document.querySelectorAll("form [data-when]")) {
  const select = part.closest("form").elements[part.dataset.when];
  const show = () => {
    part.hidden = !part.dataset.is.split(" ").includes(select.value);
    for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = part.hidden;
  };
  select.addEventListener("change", show);
  show();
}

// Unsaved changes in a form with data-guard are not lost by a stray click.
for (const form of document.querySelectorAll("form[data-guard]")) {
  form.addEventListener("input", () => (form.dataset.changed = "yes"));
}
addEventListener("beforeunload", (event) => {
  const open = document.querySelector("form[data-guard][data-changed]:not([data-sent])");
  if (open) event.preventDefault();
});
// Coming back from the history must not leave buttons disabled.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[type=submit]:disabled")) button.disabled = false;
});

// Messages fade; errors stay until the next page.
for (const toast of document.querySelectorAll("[data-toast].toast-success")) {
  setTimeout(() => toast.classList.add("toast-gone"), 6000);
}
document.querySelector("[data-focus]")?.focus();

// The drawer's labels act like buttons for the keyboard, and Escape closes what is open.
for (const label of document.querySelectorAll("label[role=button]")) {
  label.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      label.click();
    }
  });
}
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const drawer = document.getElementById("drawer");
  if (drawer) drawer.checked = false;
  for (const menu of document.querySelectorAll("details.person-menu[open]")) menu.open = false;
});
addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.person-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A form with data-fen shows what an amount typed in yuan is in fen.
for (const form of document.querySelectorAll("form[data-fen]")) {
  for (const input of form.querySelectorAll("input[inputmode=decimal]")) {
    const shown = document.createElement("p");
    shown.className = "field-help";
    shown.setAttribute("aria-live", "polite");
    input.closest(".field").append(shown);
    const show = () => {
      const plain = input.value.trim().replace(/^[¥￥]/, "").replace(/[, ]/g, "");
      const [, whole, part = ""] = /^(\d{1,13})(?:\.(\d{0,2}))?$/.exec(plain) ?? [];
      const fen = whole === undefined ? "" : (BigInt(whole) * 100n + BigInt(part.padEnd(2, "0"))).toString();
      shown.textContent = fen && "= " + form.dataset.fen.replace("{amount}", fen);
    };
    input.addEventListener("input", show);
    show();
  }
}

// Printing is offered where it works.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A page that waits for something loads itself again, while somebody looks at it and nothing is being typed.
const waiting = document.querySelector("[data-reload]");
if (waiting) {
  setInterval(() => {
    if (!document.hidden) location.reload();
  }, Number(waiting.dataset.reload) * 1000);
}
