"use strict";
(() => {
  const PAGE = 50, MOST_PRINTED = 1000;
  const SIGNS = {
    completed: "✓", failed: "✕", exhausted: "–", deferred: "↻", held: "‖", pending: "○",
    in_progress: "▸", skipped: "⊘", needs_review: "?",
  };
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = (place) => data.texts[place];
  const spoken = (name) => name.replaceAll("_", " ");
  const byId = (id) => document.getElementById(id);
  const [table, search, state] = ["contacts", "search", "state"].map(byId);
  const body = table.tBodies[0];
  let found = data.rows, first = 0;

  const element = (name, content, className) => {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    if (className) made.className = className;
    return made;
  };
  const time = (seconds) =>
    new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

  /* what a search looks through, made when a contact is first looked at */
  const words = new Map();
  const wordsOf = (row) => {
    if (!words.has(row)) {
      const [id, name, phone, inState, disposition, , reason, attempts] = row;
      const told = attempts.map((a) => `${text(a[2])} ${text(a[5])} ${a[6]}`).join(" ");
      const all = [id, name, phone, text(inState), text(disposition), text(reason), told];
      words.set(row, spoken(all.join(" ")).toLowerCase());
    }
    return words.get(row);
  };

  const story = (attempts) => {
    const list = element("ol");
    for (const [no, inState, disposition, began, lasted, error, conversation, cost] of attempts) {
      const item = element("li");
      const how = spoken(text(disposition) || text(inState));
      const parts = [`attempt ${no}: ${how}`];
      if (began !== null) parts.push(`${time(began)} UTC`);
      if (lasted !== null) parts.push(`${lasted} s`);
      if (cost !== null) parts.push(`${cost.toFixed(3)} USD`);
      item.append(parts.join(" · "));
      for (const detail of [text(error), conversation]) {
        if (detail) item.append(element("br"), element("small", detail));
      }
      list.append(item);
    }
    return list;
  };

  const toggle = (button, line, attempts) => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) {
      line.nextSibling.remove();
      return;
    }
    const cell = element("td");
    cell.colSpan = 6;
    cell.append(story(attempts));
    const told = element("tr", undefined, "story");
    told.append(cell);
    line.after(told);
  };

  const lineOf = (row) => {
    const [id, name, phone, inState, disposition, next, reason, attempts] = row;
    const line = element("tr", undefined, `is-${text(inState)}`);
    const button = element("button", name || id || phone, "who");
    button.type = "button";
    button.disabled = attempts.length === 0;
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => toggle(button, line, attempts));
    const who = element("td");
    who.append(button);
    if (name && id) who.append(" ", element("small", id));
    const stands = element("td");
    stands.append(element("span", SIGNS[text(inState)] || "", "sign"), spoken(text(inState)));
    const calls = element("td", String(attempts.length));
    calls.dataset.unit = attempts.length === 1 ? " call" : " calls";
    const why = text(inState) === "completed" ? "" : text(reason);
    const due = next === null ? "" : `due ${time(next)} UTC`;
    line.append(
      who, element("td", phone), stands, calls, element("td", spoken(text(disposition))),
      element("td", [due, why].filter(Boolean).join(": ")),
    );
    return line;
  };

  const show = (most = PAGE) => {
    body.replaceChildren(...found.slice(first, first + most).map(lineOf));
    const n = found.length.toLocaleString("en"), of = data.rows.length.toLocaleString("en");
    byId("found").textContent = n === of ? `${of} contacts` : `${n} of ${of} contacts`;
    byId("pages").hidden = found.length <= PAGE;
    byId("page").textContent = `${first + 1} to ${Math.min(first + PAGE, found.length)}`;
    byId("back").disabled = first === 0;
    byId("on").disabled = first + PAGE >= found.length;
  };
  const find = () => {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = data.rows.filter((row) => {
      if (state.value && text(row[3]) !== state.value) return false;
      return sought.every((word) => wordsOf(row).includes(word));
    });
    first = 0;
    show();
  };
  const turn = (by) => {
    first += by;
    show();
    byId("tools").scrollIntoView({ block: "start" });
  };

  for (const name of new Set(data.rows.map((row) => text(row[3])))) {
    const option = element("option", spoken(name));
    option.value = name;
    state.append(option);
  }
  search.addEventListener("input", find);
  state.addEventListener("change", find);
  byId("back").addEventListener("click", () => turn(-PAGE));
  byId("on").addEventListener("click", () => turn(PAGE));
  addEventListener("beforeprint", () => show(MOST_PRINTED));
  addEventListener("afterprint", () => show());
  byId("tools").hidden = table.hidden = false;
  show();
})();
