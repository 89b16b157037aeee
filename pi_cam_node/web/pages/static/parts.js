// Reads the parts of a multipart/x-mixed-replace answer as they come.

const LONGEST_HEAD = 8192;
const LARGEST_PART = 1 << 26;
const BLANK_LINE = [13, 10, 13, 10];

/** Yields {headers, bytes} for each part of a body; headers is a Map with names in lower case. Ends with the body. */
export async function* parts(body) {
  const reader = body.getReader();
  let held = new Uint8Array(0);
  const more = async () => {
    const { done, value } = await reader.read();
    if (!done) held = joined(held, value);
    return !done;
  };
  try {
    for (;;) {
      let end;
      while ((end = headEnd(held)) < 0) {
        if (held.length > LONGEST_HEAD) throw new Error("a part without a head");
        if (!(await more())) return;
      }
      const headers = headersOf(held.subarray(0, end));
      const length = Number(headers.get("content-length"));
      if (!(length > 0 && length <= LARGEST_PART)) throw new Error("a part without a length");
      while (held.length < end + length) if (!(await more())) return;
      yield { headers, bytes: held.slice(end, end + length) };
      held = held.slice(end + length);
    }
  } finally {
    reader.cancel().catch(() => {}); // it is over either way
  }
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Returns where the head's blank line ends, -1 while it has not come. */
function headEnd(bytes) {
  const last = Math.min(bytes.length, LONGEST_HEAD) - BLANK_LINE.length;
  for (let at = 0; at <= last; at++) if (BLANK_LINE.every((byte, i) => bytes[at + i] === byte)) return at + BLANK_LINE.length;
  return -1;
}

function headersOf(head) {
  const lines = new TextDecoder().decode(head).split("\r\n");
  const pairs = lines.filter((line) => line.includes(":")).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(pairs);
}
