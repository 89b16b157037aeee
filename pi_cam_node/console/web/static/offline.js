// Opens the page that was asked for once the console answers again: nobody presses the link on a wall.

const EVERY_MS = 5_000;

async function look() {
  const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  // A proxy that does not reach the console answers, too; the console's own answers have a policy.
  if (answer?.headers.has("content-security-policy")) location.replace(location.pathname + location.search);
  else setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
