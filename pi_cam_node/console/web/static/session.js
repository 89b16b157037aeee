// A session that ends under an open page: the page leads to the login, unless something that was typed would be lost.

// Forms in which something was typed or chosen since they were last sent.
const unsent = new Set();
const notice = document.getElementById("ended");

/**
 * Leaves for the login, which leads back to this page; a screen on a wall has no password, but can be paired again.
 * Stays, and says so, where a form has something that was not sent: it can be once the same browser has logged in.
 */
export function logIn() {
  if ([...unsent].some((form) => form.isConnected)) {
    notice.hidden = false;
    return;
  }
  const here = location.pathname + location.search;
  location.replace(document.body.dataset.account === "kiosk" ? "/pair" : `/login?${new URLSearchParams({ next: here })}`);
}

/** Notes that the session holds, or that there is one again. */
export function isLoggedIn() {
  if (notice) notice.hidden = true;
}

document.addEventListener("input", ({ target }) => {
  if (target.form?.method === "post" && target.closest("main")) unsent.add(target.form);
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.response.status < 400) unsent.delete(ctx.sourceElement);
});
