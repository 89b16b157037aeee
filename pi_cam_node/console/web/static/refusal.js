// What a refusing answer says: the API's is JSON with a message, others are plain text.

export async function messageOf(answer) {
  const text = (await answer.text()).trim();
  return answer.headers.get("Content-Type")?.startsWith("application/json") ? JSON.parse(text).message : text;
}
