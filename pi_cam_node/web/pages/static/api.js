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
export function command(verb, argumentsOf = {}) {
  const headers = { "Content-Type": "application/json" };
  return put(`api/commands/${verb}`, { method: "POST", headers, body: JSON.stringify(argumentsOf) });
}

/** Deletes a picture or film and returns the reply; never throws. */
export const remove = (id) => put(`media/${encodeURIComponent(id)}`, { method: "DELETE" });

async function put(path, options) {
  try {
    const response = await ask(path, { ...options, signal: AbortSignal.timeout(COMMAND_DEADLINE_MS) });
    const reply = await response.json().catch(() => ({}));
    return { data: {}, code: String(response.status), message: `The node answered ${response.status}.`, ok: response.ok, ...reply };
  } catch (error) {
    return { ok: false, code: "unanswered", message: why(error), data: {} };
  }
}

/** Ends the session and shows the login. */
export async function logOut() {
  await fetch("logout", { method: "POST", signal: AbortSignal.timeout(STATE_DEADLINE_MS) }).catch(() => {});
  location.assign("login");
}

async function ask(path, options) {
  // So that the node does not ask for a password in the browser's own dialog when the session has ended.
  const headers = { "X-Requested-With": "fetch", ...options.headers };
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) location.assign("login");
  return response;
}

function why(error) {
  return error.name === "TimeoutError" ? "The node did not answer in time." : "The node does not answer.";
}
