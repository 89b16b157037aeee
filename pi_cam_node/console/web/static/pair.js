// Looks every few seconds whether the owner has typed the code in; the answer then leads to the wall.

setInterval(async () => {
  const answer = await fetch("/pair", { redirect: "follow" }).catch(() => undefined);
  if (answer?.redirected) location.href = answer.url;
}, 3_000);
