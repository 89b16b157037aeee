// Asks the node. Every question has a deadline, and whatever goes wrong becomes a sentence for people.

const STATE_DEADLINE_MS = 5000;
// A long exposure, or a stack of many large frames written as PNG.
const COMMAND_DEADLINE_MS = 120000;

/** Returns the JSON of a path; throws an Error that says what went wrong. */
export async function read(path) {
  const response = await ask(path, { signal: AbortSignal.timeout(STATE_DEADLINE_MS), cache: "no-store" });
  if (!response.ok) throw new Error(`The node answered ${response.status}.`);
  return response.json();
}

/** Puts a command and returns its reply {ok, code, message, data}; never throws. */
export async function command(verb, argumentsOf = {}) {
  try {
    const response = await ask(`/api/commands/${verb}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(argumentsOf),
      signal: AbortSignal.timeout(COMMAND_DEADLINE_MS),
    });
    const reply = await response.json().catch(() => ({}));
    return { data: {}, code: String(response.status), message: `The node answered ${response.status}.`, ok: response.ok, ...reply };
  } catch (error) {
    return { ok: false, code: "unanswered", message: why(error), data: {} };
  }
}

/** Ends the session and shows the login. */
export async function logOut() {
  await fetch("/logout", { method: "POST", signal: AbortSignal.timeout(STATE_DEADLINE_MS) }).catch(() => {});
  location.assign("/login");
}

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401) location.assign("/login");
  return response;
}

function why(error) {
  return error.name === "TimeoutError" ? "The node did not answer in time." : "The node does not answer.";
}
