// What the server is asked. A request that fails throws an Error with the server's own message.

export async function get(path, values = {}) {
  const query = new URLSearchParams(values).toString();
  return answer(await reached(query ? `${path}?${query}` : path, {}));
}

export async function post(path, value) {
  const headers = { "Content-Type": "application/json" };
  return answer(await reached(path, { method: "POST", headers, body: JSON.stringify(value) }));
}

async function reached(path, how) {
  try {
    return await fetch(path, { cache: "no-store", ...how });
  } catch {
    throw new Error("The server does not answer. Start sublearn serve again; what was recorded is safe.");
  }
}

async function answer(response) {
  if (response.status === 204) return null;
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(value.error || `The server answers with status ${response.status}.`);
  return value;
}
