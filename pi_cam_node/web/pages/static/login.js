// Says beside the field why a login was refused.

const form = document.getElementById("login");
const field = document.getElementById("token");
const refusal = document.getElementById("refusal");

const WRONG = "This is not the token.";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  refusal.textContent = "";
  try {
    const response = await fetch("login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: field.value }),
      signal: AbortSignal.timeout(8000),
    });
    if (response.ok) return location.replace("./");
    refusal.textContent = response.status === 401 ? WRONG : await why(response);
  } catch {
    refusal.textContent = "The node does not answer.";
  }
  field.select();
});

async function why(response) {
  const wait = response.headers.get("Retry-After");
  if (response.status === 429) return `Too many wrong tries.${wait ? ` Wait ${wait} seconds.` : ""}`;
  return `The node refuses (${response.status}): ${await response.text()}`;
}
