"use strict";

// Updates the page as the emulator sends it. The server has escaped and rendered everything; this script only takes over
// what has changed, so that focus, selection, scrolling and players stay as they are.

const main = document.getElementById("main");
const news = document.getElementById("news");
const live = document.getElementById("live");

function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
  } else if (from.nodeType === Node.ELEMENT_NODE) {
    morphAttributes(from, to);
    morphChildren(from, to);
  } else if (from.data !== to.data) {
    from.data = to.data;
  }
}

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    // The reader has opened it.
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

function morphChildren(from, to) {
  const wanted = new Set([...to.children].map((child) => child.id));
  const known = new Map();
  for (const child of [...from.children]) {
    if (child.id && !wanted.has(child.id)) child.remove();
    else if (child.id) known.set(child.id, child);
  }
  let at = from.firstChild;
  for (const child of [...to.childNodes]) {
    const same = child.id ? known.get(child.id) : at && !at.id ? at : undefined;
    if (same === undefined) {
      from.insertBefore(child, at);
    } else {
      if (same === at) at = at.nextSibling;
      else from.insertBefore(same, at);
      morph(same, child);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function announce(text) {
  if (news.textContent !== text) news.textContent = text;
}

function show(html) {
  const next = new DOMParser().parseFromString(html, "text/html").getElementById("main");
  if (!next) return;
  const log = document.getElementById("log");
  const follows = log && log.scrollTop + log.clientHeight >= log.scrollHeight - 2;
  const before = main.dataset.news;
  morph(main, next);
  if (follows) log.scrollTop = log.scrollHeight;
  if (main.dataset.news !== before) announce(main.dataset.news);
}

let source;

// A browser has few connections for all tabs: one that nobody sees keeps none. The first event has everything.
function listen() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource(main.dataset.updates);
  const note = (text, state) => {
    live.textContent = text;
    live.dataset.state = state;
  };
  source.onopen = () => note("live", "on");
  source.onmessage = (event) => show(event.data);
  source.onerror = () => note("the emulator does not respond", "off");
}

async function deliver(form) {
  announce("Delivering");
  try {
    const response = await fetch(form.action, { method: "POST", redirect: "manual" });
    if (response.type !== "opaqueredirect") announce("The webhook could not be delivered again");
  } catch {
    announce("The emulator does not respond");
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  deliver(event.target);
});
const log = document.getElementById("log");
if (log) log.scrollTop = log.scrollHeight;
if (main.dataset.updates) {
  document.addEventListener("visibilitychange", listen);
  listen();
}
