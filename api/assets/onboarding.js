// Live hints of the application: numbers are checked while typing by the same check digits as on the
// server, which decides. Nothing here is needed to fill in the form.

const zh = document.documentElement.lang.startsWith("zh");
const say = (chinese, english) => (zh ? chinese : english);

const SET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
function creditCode(text) {
  const code = text.toUpperCase();
  if (code.length !== 18) return say(`还差 ${18 - code.length} 位`, `${18 - code.length} characters to go`);
  let sum = 0;
  let weight = 1;
  for (let i = 0; i < 17; i += 1) {
    const value = SET.indexOf(code[i]);
    if (value < 0) return say("含有不允许的字符", "a character is not allowed");
    sum += value * weight;
    weight = (weight * 3) % 31;
  }
  return SET.indexOf(code[17]) === (31 - (sum % 31)) % 31 ? "" : say("校验位不正确，请核对", "the check digit does not fit");
}

function idCard(text) {
  const number = text.toUpperCase();
  if (number.length !== 18) return say(`还差 ${18 - number.length} 位`, `${18 - number.length} characters to go`);
  if (!/^\d{17}[\dX]$/.test(number)) return say("应为 17 位数字加 1 位数字或 X", "expected 17 digits and a digit or X");
  let sum = 0;
  for (let i = 0; i < 17; i += 1) sum += Number(number[i]) * (2 ** (17 - i) % 11);
  return "10X98765432"[sum % 11] === number[17] ? "" : say("校验位不正确，请核对", "the check digit does not fit");
}

function phone(text) {
  return /^(\+86)?1[3-9]\d{9}$/.test(text) ? "" : say("应为 11 位手机号", "expected an 11-digit mobile number");
}

function shopName(text) {
  const length = [...text].length;
  return length >= 2 && length <= 30 ? "" : say(`需 2 到 30 个字，现在 ${length} 个`, `2 to 30 characters, now ${length}`);
}

const CHECKS = { "credit-code": creditCode, "id-card": idCard, phone, "shop-name": shopName };
for (const box of document.querySelectorAll("[data-check]")) {
  const input = box.querySelector("input");
  const check = CHECKS[box.dataset.check];
  if (!input || !check) continue;
  const line = document.createElement("p");
  line.className = "live-hint";
  line.setAttribute("aria-live", "polite");
  input.closest(".field").append(line);
  const update = () => {
    const text = input.value.trim();
    const wrong = text === "" ? null : check(text);
    line.textContent = wrong === null ? "" : wrong || say("✓ 格式正确", "✓ looks right");
    line.classList.toggle("live-good", wrong === "");
  };
  input.addEventListener("input", update);
  update();
}

// A file may be dropped on its form. It is sent by the button, so that its last day can be typed after it.
for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("drop-over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("drop-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("drop-over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
  });
}

// A PDF has no picture; its link stays.
for (const image of document.querySelectorAll("img[data-preview]")) {
  const hide = () => image.remove();
  if (image.complete && image.naturalWidth === 0) hide();
  image.addEventListener("error", hide);
}

// The deposit of the chosen category.
const category = document.querySelector("select[data-category]");
if (category) {
  const line = document.querySelector("[data-deposit-line]");
  const amount = document.querySelector("[data-deposit-amount]");
  const show = () => {
    const fen = category.selectedOptions[0]?.dataset.deposit;
    line.hidden = fen === undefined;
    if (fen !== undefined) {
      amount.textContent = `¥${(Number(fen) / 100).toLocaleString("en", { minimumFractionDigits: 2 })}`;
    }
  };
  category.addEventListener("change", show);
  show();
}
