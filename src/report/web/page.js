"use strict";
(() => {
  const EVERY = 15000;
  const by = (id) => document.getElementById(id);
  const live = by("live"), verdict = by("verdict"), said = by("said"), form = by("token-form"), token = by("token");
  let lost = false;

  const say = (text, bad = false) => {
    said.textContent = text;
    said.classList.toggle("bad", bad);
  };
  // Buttons need this script: without it they are not shown.
  const reveal = () => document.querySelectorAll("[data-script]").forEach((one) => { one.hidden = false; });

  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
      live.replaceChildren(...fresh.childNodes);
      reveal();
      if (focused && by(focused)) by(focused).focus();
      const now = page.getElementById("verdict").textContent;
      if (verdict.textContent !== now) verdict.textContent = now;
      document.title = page.title;
      if (lost) say("");
      lost = false;
    } catch {
      lost = true;
      say("The daemon does not answer. This is how it was last seen.", true);
    }
  };

  const outcome = (action, answer) => {
    if (action === "update") return "Looking now.";
    const holds = answer.let_go;
    let text = holds === 0 ? "Nothing was held." : holds === 1 ? "One hold was let go." : holds + " holds were let go.";
    if (answer.accounts && answer.accounts.length > 0) text += " Still held is the account " + answer.accounts.join(", ") + ".";
    for (const wait of answer.waits || []) text += " " + wait.record + " waits until " + wait.until + ".";
    return text;
  };

  const act = async (button) => {
    if (button.getAttribute("aria-disabled") === "true") return;
    if (!token.value) {
      say("Type the token first.", true);
      by("token-box").open = true;
      token.focus();
      return;
    }
    const { action, name, account } = button.dataset;
    button.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch("api/v1/" + action, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: "Bearer " + token.value.trim() },
        body: JSON.stringify(name ? { name } : account ? { account } : {}),
        signal: AbortSignal.timeout(10000),
      });
      const body = await answer.json();
      if (answer.ok) {
        say(outcome(action, body));
        for (const wait of [300, 1500, 4000]) setTimeout(refresh, wait);
      } else {
        say("Refused: " + body.error + ".", true);
        if (answer.status === 401) token.select();
      }
    } catch {
      say("The daemon does not answer.", true);
    }
    button.removeAttribute("aria-disabled");
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (button) act(button);
  });
  if (form) form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("The token is kept until this page is closed.");
  });
  document.addEventListener("visibilitychange", refresh);
  reveal();
  setInterval(refresh, EVERY);
})();
