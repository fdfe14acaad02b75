// A file that is dropped or chosen, sent with its progress; what the server says is shown here.

const form = document.querySelector("form[data-upload]");

function send(form, submitter) {
  const result = document.getElementById("result");
  const progress = form.querySelector("[data-progress]");
  const [bar, told] = progress.children;
  const buttons = [...form.querySelectorAll("button")];
  const request = new XMLHttpRequest();
  const data = new FormData(form, submitter);
  const finish = () => {
    progress.hidden = true;
    for (const button of buttons) button.disabled = false;
  };

  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
    told.textContent = `${Math.round(event.loaded / 1024).toLocaleString()} KiB sent`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    told.textContent = "The server reads it…";
  });
  request.addEventListener("load", () => {
    finish();
    if (new URL(request.responseURL).pathname !== location.pathname) {
      location.assign(request.responseURL); // it was done
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.getElementById("result") ?? page.querySelector("main");
    result.replaceChildren(...said.childNodes);
    result.scrollIntoView({ block: "nearest" });
  });
  request.addEventListener("error", () => {
    finish();
    result.textContent = "The upload broke off: nothing was imported. Send it again.";
  });
  for (const button of buttons) button.disabled = true;
  progress.hidden = false;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(data);
}

if (form) {
  const drop = form.querySelector("[data-drop]");
  const input = form.elements.file;
  drop.querySelector("[data-drop-help]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter);
  });
  const nameIt = () => {
    const name = form.elements.name;
    if (name && !name.value && input.files.length) name.value = input.files[0].name.replace(/\.[^.]*$/, "");
  };
  const trial = form.querySelector("[name=trial]");
  input.addEventListener("change", () => {
    nameIt();
    if (trial && input.files.length && form.reportValidity()) form.requestSubmit(trial);
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
}
