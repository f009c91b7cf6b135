// The desk's forms with files: a chosen or dropped file becomes the text of a text area, so that people see what they
// send. Without this script the same is done by pasting.

// Bytes of a file; more than this is for the command line.
const FILE_BYTES_MAX = 20 * 1024 * 1024;

// Spreadsheets save text in these ways: with a mark at the beginning, as UTF-8, or as GBK.
function decode(bytes) {
  const marks = [[0xff, 0xfe, "utf-16le"], [0xfe, 0xff, "utf-16be"]];
  const marked = marks.find(([one, other]) => bytes[0] === one && bytes[1] === other);
  if (marked) return new TextDecoder(marked[2], { fatal: true }).decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030", { fatal: true }).decode(bytes);
  }
}

// A spreadsheet is an archive, and so begins like one; only the server can take it apart.
const isSheet = (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b;

async function sheetText(address, bytes) {
  const answer = await fetch(address, { method: "POST", body: bytes, credentials: "same-origin" });
  if (!answer.ok || !answer.headers.get("content-type")?.startsWith("text/plain")) throw new Error("sheet");
  return answer.text();
}

async function textOf(file, chooser) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = isSheet(bytes) ? await sheetText(chooser.dataset.sheet, bytes) : decode(bytes);
  if (text.includes("\0")) throw new Error("not a text");
  return text;
}

const linesOf = (text) => text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== "").length;

async function read(file, area, chooser) {
  const says = chooser.querySelector("[role=status]");
  if (file.size > FILE_BYTES_MAX) {
    says.textContent = chooser.dataset.large;
    return;
  }
  try {
    area.value = await textOf(file, chooser);
    area.scrollTop = 0;
    const said = chooser.dataset.read.replace("{lines}", () => linesOf(area.value));
    says.textContent = said.replace("{name}", () => file.name);
  } catch {
    says.textContent = chooser.dataset.broken;
  }
}

function prepare(chooser) {
  const area = document.getElementById(chooser.dataset.into);
  const input = chooser.querySelector("input[type=file]");
  input.addEventListener("change", () => {
    if (input.files.length > 0) read(input.files[0], area, chooser);
    // The same file can be chosen once more after it was changed.
    input.value = "";
  });
  area.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    read(event.dataTransfer.files[0], area, chooser);
  });
  chooser.hidden = false;
}

function prepareCopy(button) {
  const field = document.getElementById(button.dataset.copy);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
    } catch {
      // Without https there is no clipboard: what is selected can be copied by hand.
      field.select();
    }
  });
  button.hidden = false;
}

document.querySelectorAll(".chooser").forEach(prepare);
document.querySelectorAll("[data-copy]").forEach(prepareCopy);
