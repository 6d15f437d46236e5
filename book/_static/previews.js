// Previews: what a link to a term, a reference or an equation leads to, shown beside it by mouse or keyboard.
// Terms and references bring their text as a title, which the build wrote; an equation is copied from the page.
"use strict";

(() => {
  const SHOW = 250, HIDE = 200; // milliseconds: not at every pass of the mouse; time to move onto the preview
  const tip = document.createElement("div");
  tip.id = "preview";
  tip.className = "mathjax_process";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  let shown = null, timer = 0;

  const content = (link) => {
    if (link.dataset.preview) return [link.dataset.preview];
    const equation = document.getElementById(decodeURIComponent(link.hash.slice(1)))?.cloneNode(true);
    if (!equation) return [];
    for (const node of [equation, ...equation.querySelectorAll("*")]) {
      node.removeAttribute("id");
      node.removeAttribute("tabindex");
    }
    equation.querySelectorAll(".headerlink, .eqno").forEach((node) => node.remove());
    return [equation];
  };

  const show = async (link) => {
    hide();
    tip.replaceChildren(...content(link));
    if (!tip.hasChildNodes()) return;
    shown = link;
    link.setAttribute("aria-describedby", tip.id);
    if (link.dataset.preview) tip.removeAttribute("aria-label");
    else tip.setAttribute("aria-label", `Equation ${link.textContent}`); // its copy is drawn, not text
    tip.hidden = false;
    if (link.dataset.preview?.includes("\\(")) await window.MathJax?.typesetPromise?.([tip]);
    if (shown === link) place(link);
  };

  const place = (link) => {
    const line = link.getClientRects()[0], page = tip.offsetParent.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const below = line.bottom + tip.offsetHeight + 12 < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(line.left, room)) - page.left}px`;
    tip.style.top = `${(below ? line.bottom + 4 : line.top - tip.offsetHeight - 4) - page.top}px`;
  };

  const hide = () => {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    tip.hidden = true;
    window.MathJax?.typesetClear?.([tip]);
  };

  const later = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };

  const article = document.querySelector(".bd-article");
  for (const link of article?.querySelectorAll('a.internal[title], a.internal[href^="#equation-"]') ?? []) {
    if (link.title) {
      link.dataset.preview = link.title; // without this script the browser shows the title
      link.removeAttribute("title");
    }
    link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && later(() => show(link), SHOW));
    link.addEventListener("pointerleave", () => later(hide, HIDE));
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
    link.addEventListener("blur", hide);
  }
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", () => later(hide, HIDE));
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  article?.append(tip);
})();
